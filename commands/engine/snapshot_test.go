package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

func TestSnapshotsAreTakenAsEventsCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := &shelf{}
		b := newBench(t, engine.Options{Snapshots: saved, SnapshotEvery: 10})
		b.accept(one(open()))
		for range 34 {
			b.accept(one(add(1)))
			synctest.Wait() // until the snapshot is saved
		}
		if got := saved.revisions(); !slices.Equal(got, []eventstore.Revision{9, 19, 29}) {
			t.Errorf("snapshots at %v", got)
		}
		b.close()
		if got := saved.revisions(); got[len(got)-1] != 34 {
			t.Errorf("snapshots at %v", got)
		}
		b.start()
		b.reject(one(add(-35)), errFloor)
		b.close()
		if got := saved.revisions(); len(got) != 4 {
			t.Errorf("a snapshot of nothing new was taken: %v", got)
		}
	})
}

func TestLoadingReadsTheTailOnly(t *testing.T) {
	saved := &shelf{}
	b := newBench(t, engine.Options{Snapshots: saved})
	b.accept(many(open(), add(1), add(2), add(3)))
	b.close()
	other := benchOn(t, b.inner, engine.Options{}) // without snapshots: the tail
	other.accept(one(add(4)))
	var reads []eventstore.Revision
	b.hook = func(from eventstore.Revision) { reads = append(reads, from) }
	b.start()
	b.accept(one(add(-10)))
	b.close()
	if !slices.Equal(reads, []eventstore.Revision{3}) {
		t.Errorf("reads began at %v, want one at 3, the event that the snapshot ends with", reads)
	}
}

// TestADamagedSnapshot changes each byte in turn, of a snapshot that belongs to the log.
func TestADamagedSnapshot(t *testing.T) {
	saved := &shelf{}
	b := newBench(t, engine.Options{Snapshots: saved})
	b.accept(one(open()))
	original := b.accept(keyed("k", 1, add(5)))
	b.close()
	good := saved.byKey[stream]
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x40
		saved.byKey = map[string][]byte{stream: bad}
		b.start()
		b.reject(one(add(-6)), errFloor)
		b.wantReplay(keyed("k", 1, add(5)), original)
		b.close()
	}
}

func TestUselessSnapshots(t *testing.T) {
	// A snapshot of a log that has the same stream, with other events.
	elsewhere := &shelf{}
	b := newBench(t, engine.Options{Snapshots: elsewhere})
	b.accept(many(open(), add(77)))
	b.close()
	good := elsewhere.byKey[stream]
	ahead := &shelf{}
	b = newBench(t, engine.Options{Snapshots: ahead})
	b.accept(many(open(), add(7), add(7), add(7), add(7)))
	b.close()

	for name, snapshot := range map[string][]byte{
		"empty":            {},
		"cut":              good[:len(good)-1],
		"of another log":   good,
		"ahead of the log": ahead.byKey[stream],
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			b := newBench(t, engine.Options{
				Snapshots: &shelf{byKey: map[string][]byte{stream: snapshot}},
				Logger:    slog.New(slog.NewTextHandler(&log, nil)),
			})
			writer := benchOn(t, b.inner, engine.Options{})
			writer.accept(many(open(), add(1), add(2)))
			b.reject(one(add(-4)), errFloor)
			b.accept(one(add(-3)))
			b.wantLog("open", "1", "2", "-3")
			b.close()
			if !strings.Contains(log.String(), "a snapshot is ignored") {
				t.Errorf("the operator was not told: %s", &log)
			}
			b.start()
			b.accept(one(add(9)))
			b.close()
			b.wantLog("open", "1", "2", "-3", "9")
		})
	}
}

func TestSnapshotsThatCannotBeSavedDoNoHarm(t *testing.T) {
	b := newBench(t, engine.Options{Snapshots: &shelf{fail: errors.New("disk full")}, SnapshotEvery: 1})
	b.accept(one(open()))
	b.accept(one(add(1)))
	b.restart()
	b.accept(one(add(-1)))
	b.wantLog("open", "1", "-1")
}

func TestIdleStreamsLeaveMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := &shelf{}
		b := newBench(t, engine.Options{Snapshots: saved, IdleAfter: time.Minute})
		b.accept(one(open()))
		time.Sleep(59 * time.Second) // of the bubble's time
		b.accept(one(add(1)))
		time.Sleep(59 * time.Second)
		if n, got := b.metric("streams"), saved.revisions(); n != 1 || len(got) != 0 {
			t.Errorf("%v streams, snapshots at %v", n, got)
		}
		time.Sleep(2 * time.Second)
		if n, got := b.metric("streams"), saved.revisions(); n != 0 || len(got) != 1 {
			t.Errorf("%v streams, snapshots at %v", n, got)
		}
		b.accept(one(add(-1)))
		b.close()
		b.wantLog("open", "1", "-1")
	})
}

// TestNobodyWaitsForTheLastSnapshot: who comes while a stream is about to leave memory is answered at once.
func TestNobodyWaitsForTheLastSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := &shelf{gate: make(chan struct{})}
		b := newBench(t, engine.Options{Snapshots: saved, IdleAfter: time.Minute})
		b.accept(one(open()))
		time.Sleep(61 * time.Second) // of the bubble's time
		if waits(b.later(one(add(1)))) {
			t.Error("a command waits for a snapshot")
		}
		close(saved.gate)
		time.Sleep(61 * time.Second)
		if n, got := b.metric("streams"), saved.revisions(); n != 0 || !slices.Equal(got, []eventstore.Revision{0, 1}) {
			t.Errorf("%v streams, snapshots at %v", n, got)
		}
		b.reject(one(add(-2)), errFloor)
	})
}

func TestSnapshotFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "snapshots")
	files, err := engine.NewSnapshotFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := files.Load(t.Context(), "a/../b"); p != nil || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
	for _, content := range []string{"one", "two"} {
		if err := files.Save(t.Context(), "a/../b", 7, writes(content)); err != nil {
			t.Fatal(err)
		}
		if p, err := files.Load(t.Context(), "a/../b"); string(p) != content || err != nil {
			t.Errorf("got %q, %v", p, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := files.Save(ended, "a/../b", 8, writes("three")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if p, err := files.Load(t.Context(), "a/../b"); string(p) != "two" || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
	// What was being written when a process died, or a machine.
	if err := os.WriteFile(filepath.Join(dir, "123.tmp"), []byte("hal"), 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err = engine.NewSnapshotFiles(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); len(left) != 1 || err != nil {
		t.Errorf("the directory has %v, %v", left, err)
	}

	b := benchOn(t, memstore.New(), engine.Options{Snapshots: files})
	b.accept(many(open(), add(5)))
	b.restart()
	b.reject(one(add(-6)), errFloor)

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := files.Save(t.Context(), "a", 7, writes("")); err == nil {
		t.Error("saved where there is no directory")
	}
}

func writes(content string) func(io.Writer) error {
	return func(to io.Writer) error {
		_, err := io.WriteString(to, content)
		return err
	}
}

// TestAnotherSnapshotIsTried has what keeps snapshots give another one when the first is of no use.
func TestAnotherSnapshotIsTried(t *testing.T) {
	saved, elsewhere := &shelf{}, &shelf{}
	b := newBench(t, engine.Options{Snapshots: elsewhere})
	b.accept(many(open(), add(77)))
	b.close()
	b = newBench(t, engine.Options{Snapshots: saved})
	b.accept(many(open(), add(1), add(2), add(3)))
	b.close()
	good := saved.byKey[stream]
	for name, bad := range map[string][]byte{"damaged": []byte("?"), "of another log": elsewhere.byKey[stream]} {
		t.Run(name, func(t *testing.T) {
			options := engine.Options{Snapshots: &pile{shelf: shelf{byKey: map[string][]byte{stream: bad}}, below: good}}
			b, reads := benchOn(t, b.inner, options), []eventstore.Revision{}
			b.hook = func(from eventstore.Revision) { reads = append(reads, from) }
			b.reject(one(add(-7)), errFloor)
			if slices.Contains(reads, 0) || !slices.Contains(reads, 3) {
				t.Errorf("reads began at %v", reads)
			}
		})
	}
}

// pile is a shelf with one more snapshot, which comes out when the first is dropped.
type pile struct {
	shelf

	below []byte
}

func (p *pile) Remove(ctx context.Context, stream string) error {
	err := p.shelf.Remove(ctx, stream)
	if p.below != nil {
		p.byKey, p.below = map[string][]byte{stream: p.below}, nil
	}
	return err
}

// TestASnapshotIsOpenedForOthers tells of a snapshot what others have to know who copy it, without reading all of it.
func TestASnapshotIsOpenedForOthers(t *testing.T) {
	dir := t.TempDir()
	files, err := engine.NewSnapshotFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := files.Open(stream); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened what is not there: %v", err)
	}
	b := newBench(t, engine.Options{Snapshots: files, KeepInMemory: 2})
	b.accept(one(open()))
	for i := range 4 {
		b.accept(keyed(fmt.Sprint("k", i), 1, take(fmt.Sprint("n", i))))
	}
	b.restart() // which hands over
	b.accept(keyed("k4", 1, add(5)))
	b.close()

	file, revision, needs, err := files.Open(stream)
	if err != nil || revision != 5 {
		t.Fatalf("opened one of revision %d, %v", revision, err)
	}
	defer file.Close()
	if len(needs) != 2 || !files.Runs(stream).Has(needs[0]) || !files.Runs(stream).Has(needs[1]) {
		t.Errorf("it needs %v", needs)
	}
	// It is read from its beginning, and stays the same when another one is saved.
	whole, err := files.Load(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	b.restart()
	b.accept(one(add(1)))
	b.close()
	if got, err := io.ReadAll(file); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("it has %d bytes, %v; want %d", len(got), err, len(whole))
	}
	for length := range 200 {
		if err := os.WriteFile(filepath.Join(dir, stream+".snapshot"), whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := files.Open(stream); err == nil {
			t.Errorf("opened what was cut after %d bytes", length)
		}
	}
	// A snapshot that was copied to another place, with its runs, is as good there.
	elsewhere, err := engine.NewSnapshotFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range needs {
		run, err := files.Runs(stream).Source(id)
		if err != nil {
			t.Fatal(err)
		}
		if err := elsewhere.Runs(stream).Receive(id, func(to io.Writer) error { _, err := io.Copy(to, run); return err }); err != nil {
			t.Fatal(err)
		}
		_ = run.Close()
	}
	if err := elsewhere.Save(t.Context(), stream, 5, writes(string(whole))); err != nil {
		t.Fatal(err)
	}
	b, reads := benchOn(t, b.inner, engine.Options{Snapshots: elsewhere, KeepInMemory: 2}), []eventstore.Revision{}
	b.hook = func(from eventstore.Revision) { reads = append(reads, from) }
	for i := range 4 {
		b.reject(one(take(fmt.Sprint("n", i))), errTaken)
	}
	b.reject(one(add(-7)), errFloor)
	if reads[0] != 5 {
		t.Errorf("reads began at %v", reads)
	}
}

// TestRunsHaveNamesOfTheirOwn has two engines hand over at the same revision.
func TestRunsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		options, saved := smallMemory(t)
		b := newBench(t, options)
		b.accept(one(open()))
		for i := range 20 {
			b.accept(keyed(fmt.Sprint("k", i), 1, take(fmt.Sprint("n", i))))
		}
		b.close()
		for _, name := range saved.files(t) {
			if seen[name] {
				t.Errorf("two runs are called %s", name)
			}
			seen[name] = true
		}
	}
	if len(seen) < 4 {
		t.Errorf("there are only %v", seen)
	}
}
