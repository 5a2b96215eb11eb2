package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

const (
	// applicationID marks the file as an event store of Daybook: "Dybk".
	applicationID = 0x4479626b
	// formatVersion is that of the tables and payloads, kept in user_version.
	formatVersion = 1
	// pageSize: larger pages make fewer frames of a long payload. Between 4 and 16 KiB the benchmarks differ by less than
	// they vary.
	pageSize = 8192
)

// The tables are described in docs/schema.md. Rows are only ever inserted, and only by the single writer of a
// transaction, so that positions grow in commit order.
const schema = `
CREATE TABLE streams (
	stream_id INTEGER PRIMARY KEY,
	name      TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE appends (
	position       INTEGER PRIMARY KEY,
	stream_id      INTEGER NOT NULL REFERENCES streams,
	first_revision INTEGER NOT NULL,
	count          INTEGER NOT NULL CHECK (count > 0),
	payload        BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX appends_by_stream ON appends (stream_id, first_revision);
`

// prepareFile makes sure that there is an event store at path, and gives its absolute path.
func prepareFile(ctx context.Context, path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path, fmt.Errorf("find the file: %w", err)
	}
	if _, err = os.Stat(absolute); errors.Is(err, fs.ErrNotExist) {
		err = createFile(ctx, absolute)
	}
	if err != nil {
		return absolute, fmt.Errorf("create the file: %w", err)
	}
	return absolute, checkFile(ctx, absolute)
}

// createFile makes a new store under another name and links it to its own when it is complete: a file that exists at
// path is never one that is half made, and an empty one is a loss, not a beginning.
func createFile(ctx context.Context, path string) error {
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("its write-ahead log %s-wal is there without it: the file was moved or deleted", path)
	}
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return err //nolint:wrapcheck // names the directory
	}
	work, err := os.MkdirTemp(directory, ".new-event-store-")
	if err != nil {
		return err //nolint:wrapcheck // names the directory
	}
	defer os.RemoveAll(work)
	made := filepath.Join(work, "events.db")
	if err := initialise(ctx, made); err != nil {
		return err
	}
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err //nolint:wrapcheck // names both files
	}
	return syncPath(directory)
}

func initialise(ctx context.Context, path string) (err error) {
	db, err := sqlx.Open("sqlite", dsn(path, "rwc", fmt.Sprintf("page_size(%d)", pageSize)))
	if err != nil {
		return err //nolint:wrapcheck // wrapped by Open
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	script := fmt.Sprintf("BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT;",
		applicationID, formatVersion, schema)
	// WAL last: until then the file alone is complete.
	for _, statement := range []string{"PRAGMA synchronous = EXTRA", script, "PRAGMA journal_mode = WAL"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	}
	return nil
}

// checkFile refuses what is not an event store. It changes nothing in it. (The file is read through SQLite alone: closing
// another descriptor of it would drop the locks that this process may hold on it.)
func checkFile(ctx context.Context, path string) error {
	if err := checkPresent(path); err != nil {
		return err
	}
	db, err := sqlx.Open("sqlite", dsn(path, "ro", busyTimeout))
	if err != nil {
		return err //nolint:wrapcheck // wrapped by Open
	}
	defer db.Close()
	return checkFormat(ctx, db)
}

// checkPresent refuses what is no file, or has nothing in it.
func checkPresent(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err //nolint:wrapcheck // names the file
	case info.IsDir():
		return errors.New("it is a directory")
	case info.Size() == 0:
		return fmt.Errorf("%w: the file is empty; an event store never is", eventstore.ErrCorrupt)
	default:
		return nil
	}
}

// checkFormat refuses a file that does not say that it is an event store of a format known here.
func checkFormat(ctx context.Context, db *sqlx.DB) error {
	var application, version int64
	if err := db.GetContext(ctx, &application, "PRAGMA application_id"); err != nil {
		return fmt.Errorf("read the file: %w", classify(err))
	}
	if application != applicationID {
		return fmt.Errorf("the file is not an event store of Daybook: its application id is %#x, not %#x",
			application, applicationID)
	}
	if err := db.GetContext(ctx, &version, "PRAGMA user_version"); err != nil {
		return fmt.Errorf("read the file: %w", classify(err))
	}
	if version != formatVersion {
		return fmt.Errorf("the file has format version %d, and this program knows %d alone", version, formatVersion)
	}
	return nil
}

// syncPath puts a directory on the disk, and the directories that lead to it: some may be as new as it is, whoever made
// them, and without its entry in the one above it a directory is lost with all that is in it.
func syncPath(directory string) error {
	if err := syncDirectory(directory); err != nil {
		return err
	}
	for parent := filepath.Dir(directory); parent != directory; parent = filepath.Dir(parent) {
		directory = parent
		// One that cannot be opened or synced by us was not made by us.
		_ = syncDirectory(parent)
	}
	return nil
}

func syncDirectory(directory string) error {
	d, err := os.Open(directory)
	if err != nil {
		return err //nolint:wrapcheck // names the directory
	}
	return errors.Join(d.Sync(), d.Close())
}

const (
	// keptPages is how much of the write-ahead log starts a pass of the keeper: 8 MiB.
	keptPages = 1024
	// keptPagesMost is where SQLite copies the log in a commit, when the keeper could not keep up: 128 MiB.
	keptPagesMost = "16384"
)

// openKeeper makes the one that copies the write-ahead log into the file beside the writer.
func openKeeper(path string) (*walkeeper.Keeper, error) {
	db, err := sqlx.Open("sqlite", dsn(path, "rw", busyTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the connection that copies the write-ahead log: %w", err)
	}
	return walkeeper.New(db, keptPages), nil
}

// busyTimeout is how long a connection waits for another process that writes.
const busyTimeout = "busy_timeout(5000)"

// dsn names the file to the driver, whatever characters its path has.
func dsn(path, mode string, pragmas ...string) string {
	query := url.Values{"mode": {mode}, "_pragma": pragmas}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}
