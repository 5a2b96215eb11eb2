package views

import (
	"context"
	"errors"
	"fmt"
)

// ErrRebuilding means that another rebuild of these read models is under way, perhaps in another process.
var ErrRebuilding = errors.New("another rebuild is under way")

// ReserveBuilding makes the caller the only one who builds generations beside the live ones, until it calls release. It
// fails with [ErrRebuilding] where somebody else does.
//
// The reservation is a lock that is held by a connection of its own: it ends with the process, however that ends, so that
// what is found half-built by its holder is nobody's.
func (db *DB) ReserveBuilding(ctx context.Context) (release func() error, err error) {
	release, err = db.backend.reserve(ctx)
	if err != nil {
		return nil, fmt.Errorf("reserve the building of read models: %w", err)
	}
	return release, nil
}
