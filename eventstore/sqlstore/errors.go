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

// isForbidden tells whether a file, or one of those beside it, could not be opened or made.
func isForbidden(err error) bool {
	var known *sqlite.Error
	if !errors.As(err, &known) {
		return false
	}
	code := known.Code() & 0xff
	return code == sqlite3.SQLITE_CANTOPEN || code == sqlite3.SQLITE_READONLY
}
