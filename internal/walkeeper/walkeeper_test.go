package walkeeper_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

const (
	pageBytes = 4096
	pages     = 64
)

// file is an SQLite file with a writer whose log is kept by a keeper alone.
type file struct {
	t      *testing.T
	path   string
	writer *sqlx.Conn
	keeper *walkeeper.Keeper
}

func open(t *testing.T, path, options string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(1000)"+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newFile(t *testing.T) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "kept.db")}
	db := open(t, f.path, "&_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	var err error
	if f.writer, err = db.Connx(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.do(`CREATE TABLE blobs (id INTEGER PRIMARY KEY, value BLOB)`)
	f.keeper = walkeeper.New(open(t, f.path, ""), pages)
	t.Cleanup(func() { _ = f.keeper.Close() })
	return f
}

func (f *file) do(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.writer.ExecContext(context.Background(), statement, args...); err != nil {
		f.t.Fatal(err)
	}
}

// write commits about so many pages and tells the keeper.
func (f *file) write(pages int) {
	f.t.Helper()
	f.do(`INSERT INTO blobs (value) VALUES (zeroblob(?))`, pages*pageBytes)
	if err := f.keeper.Committed(f.writer); err != nil {
		f.t.Fatal(err)
	}
}

// logBytes is how long the log has become; it is written from its start when all of it was copied, and never shrinks.
func (f *file) logBytes() int64 {
	f.t.Helper()
	info, err := os.Stat(f.path + "-wal")
	if err != nil {
		f.t.Fatal(err)
	}
	return info.Size()
}

func (f *file) wait() bool {
	f.t.Helper()
	ran, err := f.keeper.Wait()
	if err != nil {
		f.t.Fatal(err)
	}
	return ran
}

func TestTheLogStaysShortWhileSomebodyWrites(t *testing.T) {
	f := newFile(t)
	passes := 0
	for range 50 * pages {
		f.write(1)
		if f.wait() { // the disk is as fast as it has to be
			passes++
		}
	}
	if most := int64(3 * pages * pageBytes); f.logBytes() > most {
		t.Errorf("the log has %d bytes, want %d at most", f.logBytes(), most)
	}
	if passes == 0 {
		t.Error("there was no pass beside the writer")
	}
}

func TestMuchThatWasWrittenMeanwhileIsCopiedByAnotherPass(t *testing.T) {
	f := newFile(t)
	f.write(pages)
	if !f.wait() {
		t.Fatal("no pass has begun")
	}
	f.write(pages / 2)
	if !f.wait() {
		t.Fatal("no other pass has begun for what was written during the first")
	}
	f.write(1)
	if f.wait() {
		t.Error("a pass has begun for one page, which the writer should have copied")
	}
}

// A reader needs what the log has, so that its start cannot be written over; nobody is kept from writing by that.
func TestAReaderDelaysTheCopyingAlone(t *testing.T) {
	f := newFile(t)
	f.write(1)
	reader, err := open(t, f.path, "").Beginx()
	if err != nil {
		t.Fatal(err)
	}
	var before, after int
	if err := reader.Get(&before, `SELECT count(*) FROM blobs`); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		f.write(pages)
		f.wait()
	}
	if err := reader.Get(&after, `SELECT count(*) FROM blobs`); err != nil || after != before {
		t.Errorf("the reader saw %d rows, then %d (%v)", before, after, err)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	long := f.logBytes()
	for range 50 * pages {
		f.write(1)
		f.wait()
	}
	if f.logBytes() > long+3*pages*pageBytes {
		t.Errorf("the log went on growing after the reader had left: %d bytes, then %d", long, f.logBytes())
	}
}

func TestAPassThatFailsIsTriedAgainWhenAsMuchWasWritten(t *testing.T) {
	f := newFile(t)
	if err := f.keeper.Close(); err != nil { // its connection alone
		t.Fatal(err)
	}
	f.write(pages)
	if ran, err := f.keeper.Wait(); !ran || err == nil {
		t.Fatalf("a pass without a connection: ran %v, error %v", ran, err)
	}
	f.write(pages / 2)
	if ran, _ := f.keeper.Wait(); ran {
		t.Error("the next pass has begun too early")
	}
	f.write(pages)
	if ran, _ := f.keeper.Wait(); !ran {
		t.Error("no pass was tried again")
	}
}
