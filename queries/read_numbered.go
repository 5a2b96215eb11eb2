package queries

import (
	"context"
	"database/sql"
	"math"
)

// numbered reads the row of a statement that takes a ledger's name and a number, such as a hold's. Where there is none the
// error is missing, or errLedgerNotFound.
func (r *reader) numbered(ctx context.Context, text, ledger string, id uint64, projection string, missing error, scan func(*sql.Rows) error) error {
	found := false
	if id <= math.MaxInt64 {
		err := r.each(ctx, text, []any{ledger, id}, func(rows *sql.Rows) error {
			found = true
			return scan(rows)
		})
		if err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	if _, unknown := r.revision(ctx, ledger, []string{projection}); unknown != nil {
		return unknown
	}
	return missing
}

// hasAll tells whether metadata have every key with the value that is wanted.
func hasAll(metadata, wanted map[string]string) bool {
	for key, value := range wanted {
		if has, ok := metadata[key]; !ok || has != value {
			return false
		}
	}
	return true
}
