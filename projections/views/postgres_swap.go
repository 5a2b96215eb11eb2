package views

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// A reader that goes on past a swap must not see the old rows of one read model and the new of another, nor of the new
// tables what had been written when it began. In PostgreSQL it would: what a name means is looked up when a statement needs
// it, in the present, while the rows are those of the beginning. So a swap waits for all who read, and they for it.
//
// Whoever reads locks ledger_ids first ([postgres.BeginView]): then it holds nothing that a swap could wait for while it
// waits for the swap. One that does otherwise could hold up a swap, and would with it all others. That is why a swap
// waits only shortly at a time.
const (
	swapWait  = "250ms"
	swapPause = 250 * time.Millisecond
	swapTries = 120 // in a minute
)

var errRead = errors.New("somebody has been reading what is live for too long")

// swap implements [backend]: it locks all that readers read, until the transaction ends.
func (p *postgreSQL) swap(tx *Tx) error {
	if p.shut {
		return nil
	}
	names := []string{"ledger_ids"}
	err := tx.query(`SELECT viewname FROM pg_views WHERE schemaname = ? ORDER BY viewname`, []any{postgres.Schema},
		func(rows *sqlx.Rows) error {
			var name string
			err := rows.Scan(&name)
			names = append(names, name)
			return err
		})
	if err != nil {
		return err
	}
	lock := "LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS EXCLUSIVE MODE"
	for range swapTries {
		err = tx.Define("SAVEPOINT swap; SET LOCAL lock_timeout = '"+swapWait+"'", lock, "RELEASE SAVEPOINT swap; SET LOCAL lock_timeout = 0")
		if err == nil {
			p.shut = true
			return nil
		}
		if !postgres.IsLocked(err) {
			return err
		}
		if err := tx.Define("ROLLBACK TO SAVEPOINT swap"); err != nil {
			return err
		}
		time.Sleep(swapPause)
	}
	return fmt.Errorf("%w: %w", errRead, err)
}
