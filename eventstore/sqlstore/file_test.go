package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
)

func TestOpenCreatesFileAndDirectory(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "a b", "100% #1?", "ü")
	path := filepath.Join(directory, "events.db")
	s := open(t, path, sqlstore.Options{})
	if _, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) != 1 || left[0].Name() != "events.db" {
		t.Errorf("the directory holds %v (%v), want events.db alone", left, err)
	}
}

func TestOpenTwiceAtOnceCreatesOneStore(t *testing.T) {
	path := newPath(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := sqlstore.Open(t.Context(), path, sqlstore.Options{})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if _, err := s.Append(t.Context(), "stream", eventstore.Any(), some(3)); err != nil {
				t.Errorf("append: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	group.Wait()
	if n := count(t, open(t, path, sqlstore.Options{})); n != 12 {
		t.Errorf("%d records, want 12", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := func(statement string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := open(t, path, sqlstore.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			execute(t, path, statement)
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(*testing.T, string)
		says    string
	}{
		{"an empty file", write(""), "the file is empty"},
		{"a text file", write(strings.Repeat("Dear diary, today I posted nothing.\n", 300)), "not a database"},
		{"another program's database", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE t (x)") }, "application id is 0x0,"},
		{"a foreign application id", made("PRAGMA application_id = 7"), "application id is 0x7,"},
		{"a later format", made("PRAGMA user_version = 2"), "format version 2"},
		{"a lost file beside its log", func(t *testing.T, path string) { write("frames")(t, path+"-wal") }, "moved or deleted"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := newPath(t)
			test.prepare(t, path)
			before, _ := os.ReadFile(path)
			s, err := sqlstore.Open(t.Context(), path, sqlstore.Options{})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("open: %v, want its path and %q", err, test.says)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for _, limits := range []rowlog.Limits{
		{MaxAppendBytes: -1}, {MaxAppendBytes: 1 << 30}, {MaxWaiting: -1}, {PollInterval: -1},
	} {
		if s, err := sqlstore.Open(t.Context(), newPath(t), sqlstore.Options{Limits: limits}); err == nil {
			s.Close()
			t.Errorf("%+v was taken", limits)
		}
	}
}

// TestEveryDamagedByteIsNoticed changes each byte of a payload in turn, and what the row says of it.
func TestEveryDamagedByteIsNoticed(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlstore.Options{})
	if _, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(2)); err != nil {
		t.Fatal(err)
	}
	db := database(t, path)
	var payload []byte
	if err := db.Get(&payload, "SELECT payload FROM appends"); err != nil {
		t.Fatal(err)
	}
	expectCorrupt := func(what any) {
		t.Helper()
		for name, seq := range map[string]func(func(eventstore.Recorded, error) bool){
			"log": s.ReadAll(t.Context(), eventstore.Start), "stream": s.ReadStream(t.Context(), "stream", 0),
		} {
			var last error
			for _, last = range seq {
			}
			if !errors.Is(last, eventstore.ErrCorrupt) || !strings.Contains(last.Error(), `"stream"`) && name == "stream" {
				t.Errorf("%v: the %s ended with %v, want that it is corrupt", what, name, last)
			}
		}
	}
	for i := range payload {
		damaged := append([]byte(nil), payload...)
		damaged[i] ^= 0x10
		db.MustExec("UPDATE appends SET payload = ?", damaged)
		expectCorrupt(i)
	}
	for n := range payload {
		db.MustExec("UPDATE appends SET payload = ?", payload[:n])
		expectCorrupt(n)
	}
	db.MustExec("UPDATE appends SET payload = ?", payload)
	db.MustExec("PRAGMA foreign_keys = off")
	for _, change := range [][2]string{
		{"UPDATE appends SET count = 3", "UPDATE appends SET count = 2"},
		{"UPDATE appends SET first_revision = 1", "UPDATE appends SET first_revision = 0"},
	} {
		db.MustExec(change[0])
		expectCorrupt(change[0])
		db.MustExec(change[1])
	}
	if n := count(t, s); n != 2 {
		t.Errorf("mended, there are %d records, want 2", n)
	}
}

func TestMissingRowIsNoticed(t *testing.T) {
	for _, missing := range []string{"0", "2", "4"} {
		path := newPath(t)
		s := open(t, path, sqlstore.Options{})
		for range 4 {
			if _, err := s.Append(t.Context(), "stream", eventstore.Any(), some(2)); err != nil {
				t.Fatal(err)
			}
		}
		alter(t, path, "DELETE FROM appends WHERE first_revision = "+missing)
		for from := range eventstore.Revision(6) {
			var last error
			for _, last = range s.ReadStream(t.Context(), "stream", from) {
			}
			reached := missing >= string('0'+rune(from)) || missing == string('0'+rune(from-from%2))
			if reached != errors.Is(last, eventstore.ErrCorrupt) {
				t.Errorf("without revision %s, reading from %d ended with %v", missing, from, last)
			}
		}
	}
}

func database(t *testing.T, path string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db := database(t, path)
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s eventstore.Store) (n int) {
	t.Helper()
	for _, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
