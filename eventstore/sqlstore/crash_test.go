package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
)

// The test binary runs itself as the process that is killed, or whose disk fails.
const (
	childEnv  = "DAYBOOK_STORETEST_CHILD" // the path of the store
	limitEnv  = "DAYBOOK_STORETEST_LIMIT" // the size beyond which files cannot grow, in bytes
	crashRuns = 12
	streams   = 4
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := appendForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// appendForEver appends to several streams at once and prints each acknowledged append. It ends when all of them fail.
func appendForEver(path string) error {
	if limit := os.Getenv(limitEnv); limit != "" {
		n, err := strconv.ParseUint(limit, 10, 64)
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return err
		}
	}
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, path, sqlstore.Options{})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "open")
	var group sync.WaitGroup
	for w := range streams {
		group.Go(func() {
			stream := fmt.Sprint("stream-", w)
			next := eventstore.Revision(0)
			expected := eventstore.NoStream()
			for r, err := range s.ReadStream(ctx, stream, 0) {
				if err == nil {
					next, expected = r.Revision+1, eventstore.At(r.Revision)
				} else if !errors.Is(err, eventstore.ErrStreamNotFound) {
					fmt.Fprintln(os.Stdout, "failed", err)
					return
				}
			}
			for i := 0; ; i++ {
				n := 1 + i%3*i%40 // of all sizes
				appended, err := s.Append(ctx, stream, expected, numbered(stream, next, n))
				if err != nil {
					fmt.Fprintln(os.Stdout, "failed", err)
					return
				}
				fmt.Fprintln(os.Stdout, "written", stream, appended.Last)
				next, expected = appended.Last+1, eventstore.At(appended.Last)
			}
		})
	}
	group.Wait()
	return nil // without closing: the process ends as if it was killed
}

// numbered makes records that say where they must stand.
func numbered(stream string, first eventstore.Revision, n int) []eventstore.Record {
	rs := make([]eventstore.Record, n)
	for i := range rs {
		rs[i] = eventstore.Record{
			Type: "Numbered", Data: fmt.Appendf(nil, "%s %d %0300d", stream, first+eventstore.Revision(i), 0),
		}
	}
	return rs
}

// acknowledged is, by stream, how many records the child was told are written.
type acknowledged map[string]eventstore.Revision

func (a acknowledged) note(t *testing.T, line string) {
	t.Helper()
	var stream string
	var last eventstore.Revision
	if _, err := fmt.Sscanf(line, "written %s %d", &stream, &last); err != nil {
		t.Fatalf("the child printed %q", line)
	}
	a[stream] = last + 1
}

// check reads the whole log: all that was acknowledged is there, once, without a gap, and whole.
func (a acknowledged) check(t *testing.T, s eventstore.Store) {
	t.Helper()
	next := map[string]eventstore.Revision{}
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		want := numbered(r.Stream, next[r.Stream], 1)[0]
		if r.Revision != next[r.Stream] || string(r.Data) != string(want.Data) {
			t.Fatalf("stream %s: revision %d holds %.40q, want revision %d", r.Stream, r.Revision, r.Data, next[r.Stream])
		}
		next[r.Stream]++
	}
	for stream, n := range a {
		if next[stream] < n {
			t.Errorf("stream %s: %d records are there, %d were acknowledged", stream, next[stream], n)
		}
		// It may be that more was written than the child lived to print.
		a[stream] = next[stream]
	}
}

func child(t *testing.T, path string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, childEnv+"="+path)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := newPath(t)
	known := acknowledged{}
	for range crashRuns {
		cmd, lines := child(t, path)
		// Anything from before the file is open to thousands of appends after: the moment within an append is left to
		// chance.
		for left := random.IntN(400); left > 0 && lines.Scan(); left-- {
			if line := lines.Text(); line != "open" {
				known.note(t, line)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // printed before it died
			if line := lines.Text(); line != "open" {
				known.note(t, line)
			}
		}
		_ = cmd.Wait() // it was killed
		s, err := sqlstore.Open(t.Context(), path, sqlstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		known.check(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(known) != streams {
		t.Errorf("appends to %d streams were acknowledged, want %d: the child never got far enough", len(known), streams)
	}
}

// TestFullDisk lets the child's files grow to a size and no further, so that a real write fails within a commit.
func TestFullDisk(t *testing.T) {
	path := newPath(t)
	known := acknowledged{}
	cmd, lines := child(t, path, limitEnv+"="+strconv.Itoa(2<<20))
	failed := 0
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "open":
		case strings.HasPrefix(line, "failed"):
			failed++
			if !strings.Contains(line, eventstore.ErrOutcomeUnknown.Error()) &&
				!strings.Contains(line, eventstore.ErrUnavailable.Error()) {
				t.Errorf("an append failed with %q", line)
			}
		default:
			known.note(t, line)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if failed != streams || len(known) != streams {
		t.Errorf("%d streams were written, %d met the full disk, want %d", len(known), failed, streams)
	}
	s := open(t, path, sqlstore.Options{}) // and now there is room again
	known.check(t, s)
	for stream, n := range known {
		if _, err := s.Append(t.Context(), stream, eventstore.At(n-1), numbered(stream, n, 2000)); err != nil {
			t.Errorf("append when there is room: %v", err)
		}
	}
	known.check(t, s)
}
