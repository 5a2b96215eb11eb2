package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite" // its driver named "sqlite" is for reading; batch.go opens the connection that writes
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/daybook-ledger/daybook/internal/postgres"
	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

// sqliteFile is a views database in a file.
type sqliteFile struct {
	db   *DB
	pool *sqlx.DB // of one connection, which is the writer
	// keeper copies the write-ahead log into the file.
	keeper *walkeeper.Keeper
	// batch is what the writer writes.
	batch batch
}

// Settings of the connections. Another process that writes is waited for in begin, not by SQLite's own handler, whose
// pauses grow until a busy neighbour is never met at rest.
const (
	writerBusyMillis = "1"
	readerBusyMillis = "5000"
	pageBytes        = "8192"
	writerCacheKiB   = "-131072"
	// keptPages is how much of the write-ahead log starts a pass of the keeper: 8 MiB. To sync 64 MiB takes the disk 50 ms,
	// for which the event store's commits wait too.
	keptPages = 1024
	// keptPagesMost is where SQLite copies the log in a commit, when the keeper could not keep up: 128 MiB.
	keptPagesMost = "16384"
)

func (f *sqliteFile) open(ctx context.Context) error {
	pool, err := f.batch.pool(source(f.db.place, url.Values{
		"_pragma": {
			"busy_timeout(" + writerBusyMillis + ")", "page_size(" + pageBytes + ")", "synchronous(NORMAL)",
			"cache_size(" + writerCacheKiB + ")", "temp_store(MEMORY)", "wal_autocheckpoint(" + keptPagesMost + ")",
		},
		"_journal_mode": {"WAL"}, // which the driver sets after the others, as the page size needs
	}))
	if err != nil {
		return fmt.Errorf("for writing: %w", err)
	}
	f.pool = sqlx.NewDb(pool, "sqlite")
	f.pool.SetMaxOpenConns(1)
	if err := migrateFile(ctx, f.pool.DB); err != nil {
		return err
	}
	if f.db.writer, err = f.pool.Connx(ctx); err != nil {
		return fmt.Errorf("for writing: %w", err)
	}
	if err := f.control("CREATE VIRTUAL TABLE " + batchTable + " USING batch"); err != nil {
		return err
	}
	f.db.reader, err = sqlx.Open("sqlite", source(f.db.place, url.Values{"_pragma": {
		"busy_timeout(" + readerBusyMillis + ")", "query_only(1)",
	}}))
	if err != nil {
		return fmt.Errorf("for reading: %w", err)
	}
	f.db.reader.SetMaxOpenConns(readersOpenMax)
	copier, err := sqlx.Open("sqlite", source(f.db.place, url.Values{"_pragma": {"busy_timeout(" + readerBusyMillis + ")"}}))
	if err != nil {
		return fmt.Errorf("for copying the write-ahead log: %w", err)
	}
	f.keeper = walkeeper.New(copier, keptPages)
	return nil
}

func source(path string, settings url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: settings.Encode()}).String()
}

func (f *sqliteFile) begin(ctx context.Context) error {
	for {
		err := f.control("BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process that writes: %w", ctx.Err())
		case <-time.After(busyPause):
		}
	}
}

// busyPause is how long an attempt to write waits when another process is writing.
const busyPause = time.Millisecond

func (f *sqliteFile) commit(*Tx) error {
	if err := f.control("COMMIT"); err != nil {
		return err
	}
	// What fails here has changed nothing, and will be heard of by the next who writes.
	_ = f.keeper.Committed(f.db.writer)
	return nil
}

func (f *sqliteFile) rollback() error { return f.control("ROLLBACK") }

func (f *sqliteFile) control(statement string) error {
	if _, err := f.db.writer.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (f *sqliteFile) write(tx *Tx, bulk *Bulk, values []any) (int64, error) {
	f.batch.fill(bulk.width(), values)
	defer f.batch.empty()
	return tx.exec(bulk.text)
}

var sqliteDialect = dialect{
	bind: func(text string) string { return text },
	view: func(ctx context.Context, db postgres.Beginner) (*sqlx.Tx, error) {
		return db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	},
	define: strings.NewReplacer(),
}

func (f *sqliteFile) says() *dialect { return &sqliteDialect }

// swap has nothing to do: a reader sees the tables of the moment at which its transaction began.
func (f *sqliteFile) swap(*Tx) error { return nil }

func (f *sqliteFile) forget() {}

// reserve locks a second file, by an open transaction.
func (f *sqliteFile) reserve(ctx context.Context) (release func() error, err error) {
	lock, err := sqlx.Open("sqlite", source(f.db.place+".rebuild", url.Values{"_pragma": {"busy_timeout(1)"}}))
	if err != nil {
		return nil, err
	}
	lock.SetMaxOpenConns(1)
	if _, err := lock.ExecContext(ctx, "BEGIN EXCLUSIVE"); err != nil {
		if isBusy(err) {
			err = ErrRebuilding
		}
		return nil, errors.Join(err, lock.Close())
	}
	return lock.Close, nil
}

func (f *sqliteFile) close() error {
	var errs []error
	if f.keeper != nil {
		errs = append(errs, f.keeper.Close())
	}
	if f.pool != nil {
		errs = append(errs, f.pool.Close())
	}
	return errors.Join(errs...)
}

func isBusy(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code()&primaryCode == sqlite3.SQLITE_BUSY
}

// isFileFault is [IsFault] for a file.
func isFileFault(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() & primaryCode {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT:
		return true
	default:
		return false
	}
}

// primaryCode masks the part of SQLite's extended result codes that is the code itself.
const primaryCode = 0xff
