package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
)

// recordsOf takes chunks apart.
func recordsOf(t *testing.T, pages iter.Seq2[[]eventstore.Chunk, error]) []eventstore.Recorded {
	t.Helper()
	var all []eventstore.Recorded
	for page, err := range pages {
		if err != nil {
			t.Fatal(err)
		}
		for _, chunk := range page {
			before := len(all)
			if all, err = chunk.Open(all); err != nil {
				t.Fatal(err)
			}
			of := all[before:]
			if len(of) != chunk.Count || of[0].Revision != chunk.First || of[0].Stream != chunk.Stream || of[len(of)-1].Position != chunk.Last {
				t.Fatalf("the chunk %+v has %d records from %v to %v", chunk, len(of), of[0], of[len(of)-1])
			}
		}
	}
	return all
}

func readAll(t *testing.T, records iter.Seq2[eventstore.Recorded, error]) []eventstore.Recorded {
	t.Helper()
	var all []eventstore.Recorded
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func openLog(t *testing.T, path string) *sqlstore.Log {
	t.Helper()
	log, err := sqlstore.OpenLog(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

var same = cmp.Options{cmp.AllowUnexported(eventstore.Position{}), cmp.Comparer(bytes.Equal)}

// TestALogHasWhatItsStoreHas reads it beside the store that writes it, from several places.
func TestALogHasWhatItsStoreHas(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlstore.Options{})
	log := openLog(t, path)
	if n := len(recordsOf(t, log.All(t.Context(), eventstore.Start))); n != 0 {
		t.Fatalf("an empty log has %d records", n)
	}
	large := eventstore.Record{Type: "Large", Data: make([]byte, 3<<20)}
	for i, n := range []int{1, 2500, 3, 1, 40} {
		records := some(n)
		if i == 3 {
			records = append(records, large)
		}
		if _, err := s.Append(t.Context(), []string{"a", "b"}[i%2], eventstore.Any(), records); err != nil {
			t.Fatal(err)
		}
	}
	want := readAll(t, s.ReadAll(t.Context(), eventstore.Start))
	if diff := cmp.Diff(want, recordsOf(t, log.All(t.Context(), eventstore.Start)), same); diff != "" {
		t.Errorf("(-store +log) %.2000s", diff)
	}
	for i := range want {
		if i+1 < len(want) && want[i+1].Position.Compare(want[i].Position) > 0 && want[i+1].Stream == want[i].Stream {
			continue // in the middle of an append
		}
		rest := recordsOf(t, log.All(t.Context(), want[i].Position))
		if diff := cmp.Diff(slices.Concat(want[i+1:]), rest, same); diff != "" {
			t.Errorf("after %v (-store +log) %.2000s", want[i].Position, diff)
		}
	}
	for _, stream := range []string{"a", "b"} {
		want := readAll(t, s.ReadStream(t.Context(), stream, 0))
		if diff := cmp.Diff(want, recordsOf(t, log.Stream(t.Context(), stream, 0)), same); diff != "" {
			t.Errorf("stream %s (-store +log) %.2000s", stream, diff)
		}
	}
	if got := recordsOf(t, log.Stream(t.Context(), "a", 1)); len(got) != 43 {
		t.Errorf("%d records of stream a from 1, want 43", len(got))
	}
	if got := recordsOf(t, log.Stream(t.Context(), "c", 0)); len(got) != 0 {
		t.Errorf("%d records of a stream that there is not", len(got))
	}
	for range log.All(t.Context(), eventstore.Start) {
		break // which releases what it holds
	}
}

func TestALogIsNotMade(t *testing.T) {
	path := newPath(t)
	if _, err := sqlstore.OpenLog(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("Dear diary, today I posted nothing."), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.OpenLog(t.Context(), path); err == nil {
		t.Error("a text is taken for a log")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("there are %v", left)
	}
}

func TestALogReadEndsWithItsContext(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlstore.Options{})
	if _, err := s.Append(t.Context(), "a", eventstore.Any(), some(3)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range openLog(t, path).All(ctx, eventstore.Start) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// asReader names a log to this test's binary when that runs once more, as somebody who may only read it.
const asReader = "DAYBOOK_TEST_READ_LOG"

// TestALogThatMayOnlyBeReadIsRead has one read in a directory in which nothing can be made, as on read-only media.
func TestALogThatMayOnlyBeReadIsRead(t *testing.T) {
	if path := os.Getenv(asReader); path != "" {
		log := openLog(t, path)
		fmt.Fprintf(os.Stdout, "it has %d records\n", len(recordsOf(t, log.All(t.Context(), eventstore.Start))))
		return
	}
	path := newPath(t)
	s := open(t, path, sqlstore.Options{})
	if _, err := s.Append(t.Context(), "a", eventstore.Any(), some(3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	directory := filepath.Dir(path)
	self := filepath.Join(directory, "reader") // a copy, since the binary itself may be where only we can reach it
	binary, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(self, binary, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{path: 0o444, directory: 0o555, filepath.Dir(directory): 0o755} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = os.Chmod(directory, 0o700) }() // so that it can be removed
	reader := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$")
	reader.Env = append(os.Environ(), asReader+"="+path)
	if os.Geteuid() == 0 { // who may write everywhere
		reader.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	reader.Dir = "/"
	out, err := reader.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "it has 3 records\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
