package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
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
