package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed schema/*.sql
var files embed.FS

// migrations make the tables, each those of one version from those of the one before. They are never changed once they
// were released.
var migrations = []string{"schema/001.sql", "schema/002.sql"} //nolint:gochecknoglobals // a table

// migrationLock is the key of the advisory lock that keeps processes which start at once from migrating at once.
const migrationLock = 0x447962_6d6967 // "Dybmig"

// migrate brings the tables to the version of this program. It does all of it or nothing. Where nothing is to be done it
// needs no right but to read. A log that has another identity than is wanted is not touched, nor is one made for it.
func migrate(wanted string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error {
		version, err := readVersion(ctx, conn)
		if err == nil {
			err = identify(ctx, conn, version, wanted)
		}
		if err != nil || version == len(migrations) {
			return err
		}
		if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return upgradeAlone(ctx, tx) }); err != nil {
			return fmt.Errorf("make the tables of the event store: %w", err)
		}
		return nil
	}
}

// upgradeAlone upgrades the tables while no other process does.
func upgradeAlone(ctx context.Context, tx pgx.Tx) error {
	// A large log may take its time, and so may another process that has the lock.
	_, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '0', true)`)
	if err == nil {
		_, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLock)
	}
	if err != nil {
		return err //nolint:wrapcheck // wrapped by migrate
	}
	version, err := readVersion(ctx, tx) // again, now that no other process can change it
	if err != nil {
		return err
	}
	return upgrade(ctx, tx, version)
}

// require refuses tables that are not of the version of this program, and a log that has another identity than is wanted.
// It changes nothing.
func require(wanted string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, conn *pgx.Conn) error {
		version, err := readVersion(ctx, conn)
		if err == nil && version != len(migrations) {
			err = fmt.Errorf("the event store has version %d, and this program reads version %d: 0 is none at all, and "+
				"an earlier one is brought up to date by daybook serve", version, len(migrations))
		}
		if err == nil {
			err = identify(ctx, conn, version, wanted)
		}
		return err
	}
}

// identify refuses a log that has not the identity that is wanted, if one is.
func identify(ctx context.Context, db queryer, version int, wanted string) error {
	if wanted == "" {
		return nil
	}
	if version == 0 {
		return fmt.Errorf("there is no event store, and the event store %s is wanted", wanted)
	}
	id := ""
	if err := db.QueryRow(ctx, `SELECT id::text FROM eventstore.identity`).Scan(&id); err != nil {
		return fmt.Errorf("read the identity of the event store: %w", classify(err))
	}
	if id != wanted {
		return fmt.Errorf("there is the event store %s, and the event store %s is wanted", id, wanted)
	}
	return nil
}

// queryer is a connection or a transaction.
type queryer interface {
	QueryRow(ctx context.Context, statement string, args ...any) pgx.Row
}

// readVersion is the version of the tables: 0 where there are none. It fails where they are of a later version than this
// program knows.
func readVersion(ctx context.Context, db queryer) (version int, err error) {
	var made bool
	// Not by to_regclass: that may answer from what it knew before another process had made the tables.
	err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'eventstore' AND tablename = 'version')`).Scan(&made)
	if err != nil {
		return 0, fmt.Errorf("look for the tables of the event store: %w", classify(err))
	}
	if !made {
		return 0, nil
	}
	err = db.QueryRow(ctx, `SELECT version FROM eventstore.version`).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errors.New("the table eventstore.version is empty: this is not an event store of Daybook")
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the event store: %w", classify(err))
	}
	if version > len(migrations) {
		return 0, fmt.Errorf("the event store has version %d, and this program knows versions up to %d: "+
			"use the version of Daybook that made it, or a later one", version, len(migrations))
	}
	return version, nil
}

// upgrade runs the migrations that come after a version.
func upgrade(ctx context.Context, tx pgx.Tx, version int) error {
	if version == 0 {
		_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS eventstore;
			CREATE TABLE eventstore.version (version integer NOT NULL);
			INSERT INTO eventstore.version VALUES (0)`)
		if err != nil {
			return err //nolint:wrapcheck // wrapped by migrate
		}
	}
	for _, name := range migrations[version:] {
		statements, err := files.ReadFile(name)
		if err != nil {
			return err //nolint:wrapcheck // names the file
		}
		if _, err := tx.Exec(ctx, string(statements)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err := tx.Exec(ctx, `UPDATE eventstore.version SET version = $1`, len(migrations))
	return err //nolint:wrapcheck // wrapped by migrate
}
