// Package walkeeper copies the write-ahead log of an SQLite file into the file while its writer goes on.
//
// Left to itself SQLite does that in the commit that makes the log too long: the writer stands still, and all who wait for
// it, while megabytes are copied and synced. A [Keeper] has a connection of its own for that. What is written during such
// a pass is left over, so that the log would never be empty, and grow for as long as somebody writes: when little is left,
// the writer copies it itself, between two transactions. Then its next transaction starts the log anew.
//
// Nothing depends on a pass: one that fails or never comes leaves a log that is longer than it need be. The writing
// connection should keep a wal_autocheckpoint well above [New]'s pages, as a bound for when the keeper cannot keep up.
package walkeeper

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
)

// restDivisor says how little of the log is left for the writer: the eighth part of what starts a pass.
const restDivisor = 8

// Keeper keeps the log of one file short. Its methods are for the one who writes, between transactions.
type Keeper struct {
	pool  *sqlx.DB
	pages int
	// logged counts the pages written to the log since the writer last copied all of it, or a pass failed.
	logged int
	// copying has an answer when a pass has ended; nil while there is none.
	copying chan error
	// copied is how much of logged the pass under way, or the last one, covers.
	copied int
}

// New makes a keeper that begins a pass when about so many pages are in the log. It takes over the pool, whose
// connections must be to the file, and uses one of them.
func New(pool *sqlx.DB, pages int) *Keeper {
	pool.SetMaxOpenConns(1)
	return &Keeper{pool: pool, pages: pages}
}

// Committed says that the writing connection has committed. It may copy some pages on that connection.
func (k *Keeper) Committed(writer *sqlx.Conn) error {
	written, err := pagesWritten(writer)
	if err != nil {
		return err
	}
	k.logged += written
	if !k.rests() {
		return nil
	}
	left := k.logged - k.copied
	switch {
	case k.copied > 0 && left <= k.pages/restDivisor:
		err := copyLog(writer)
		k.logged, k.copied = 0, 0
		return err
	case k.copied > 0 || left >= k.pages:
		k.begin()
	}
	return nil
}

// rests tells whether no pass is under way.
func (k *Keeper) rests() bool {
	if k.copying == nil {
		return true
	}
	select {
	case err := <-k.copying:
		k.ended(err)
		return true
	default:
		return false
	}
}

func (k *Keeper) ended(err error) {
	k.copying = nil
	if err != nil {
		// What is wrong with the file the writer will hear itself. The next pass is due when as much again was written.
		k.logged, k.copied = 0, 0
	}
}

func (k *Keeper) begin() {
	k.copied = k.logged
	copying := make(chan error, 1)
	k.copying = copying
	go func() { copying <- k.pass() }()
}

func (k *Keeper) pass() error {
	conn, err := k.pool.Connx(context.Background())
	if err != nil {
		return fmt.Errorf("open the connection that copies the write-ahead log: %w", err)
	}
	defer conn.Close()
	return copyLog(conn)
}

// Close waits for a pass under way and ends the keeper's connection.
func (k *Keeper) Close() error {
	if k.copying != nil {
		k.ended(<-k.copying)
	}
	if err := k.pool.Close(); err != nil {
		return fmt.Errorf("close the connection that copies the write-ahead log: %w", err)
	}
	return nil
}

// copyLog copies what nobody keeps from being copied, waits for nobody, and syncs the file.
func copyLog(conn *sqlx.Conn) error {
	var busy, logged, copied int
	err := conn.QueryRowxContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &logged, &copied)
	if err != nil {
		return fmt.Errorf("copy the write-ahead log into the file: %w", err)
	}
	return nil
}

// pagesWritten tells how many pages the connection has written since it was asked last.
func pagesWritten(conn *sqlx.Conn) (pages int, err error) {
	err = conn.Raw(func(driver any) error {
		pages, _, err = driver.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true) //nolint:forcetypeassert // the driver's documented way
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count the pages written: %w", err)
	}
	return pages, nil
}
