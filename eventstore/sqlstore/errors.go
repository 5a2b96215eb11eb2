package sqlstore

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/daybook-ledger/daybook/eventstore"
)

// classify says in the port's words what an error of the database is about, where nothing was written.
func classify(err error) error {
	var known *sqlite.Error
	if errors.As(err, &known) {
		switch known.Code() & 0xff { // the primary code
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return fmt.Errorf("%w: %w", eventstore.ErrCorrupt, err)
		}
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
}
