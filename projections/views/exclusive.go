package views

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/jmoiron/sqlx"
)

// ErrRebuilding means that another rebuild of these read models is under way, perhaps in another process.
var ErrRebuilding = errors.New("another rebuild is under way")

// ReserveBuilding makes the caller the only one who builds generations beside the live ones, until it calls release. It
// fails with [ErrRebuilding] where somebody else does.
//
// The reservation is a lock on a second file, held by an open transaction: it ends with the process, however that ends, so
// that what is found half-built by its holder is nobody's.
func (db *DB) ReserveBuilding(ctx context.Context) (release func() error, err error) {
	lock, err := sqlx.Open("sqlite", source(db.path+".rebuild", url.Values{"_pragma": {"busy_timeout(1)"}}))
	if err != nil {
		return nil, fmt.Errorf("reserve the building of read models: %w", err)
	}
	lock.SetMaxOpenConns(1)
	if _, err := lock.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		if isBusy(err) {
			err = ErrRebuilding
		}
		return nil, errors.Join(fmt.Errorf("reserve the building of read models: %w", err), lock.Close())
	}
	return lock.Close, nil
}
