package views

import (
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// ErrOtherLog means that the read models are made from another log, and so not to be touched.
var ErrOtherLog = errors.New("these read models belong to another log")

// Belong makes sure that the read models are those of the log that begins with an event, given by its id; empty where there
// is none yet. Read models that are no log's are that one's from now on.
func (tx *Tx) Belong(first string) error {
	var of string
	err := tx.Query(`SELECT event_id FROM origin`, nil, func(rows *sqlx.Rows) error { return rows.Scan(&of) })
	switch {
	case err != nil || of == first:
		return err
	case of == "":
		_, err := tx.Exec(`INSERT INTO origin (event_id) VALUES (?)`, first)
		return err
	case first == "":
		return fmt.Errorf("%w: theirs begins with event %s, and this one is empty", ErrOtherLog, of)
	default:
		return fmt.Errorf("%w: theirs begins with event %s, this one with %s", ErrOtherLog, of, first)
	}
}
