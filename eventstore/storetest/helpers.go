package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// patience bounds every wait of the suite: a store that hangs fails, it does not hang the suite.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// record makes a record that tells by itself which it is.
func record(stream string, n int) eventstore.Record {
	r := eventstore.Record{
		Type:     "Happened",
		Data:     fmt.Appendf(nil, `{"stream":%q,"n":%d}`, stream, n),
		Metadata: fmt.Appendf(nil, `{"number":%d}`, n),
	}
	copy(r.ID[:], stream)
	binary.BigEndian.PutUint64(r.ID[8:], uint64(n))
	return r
}

// records makes the n records of a stream from the first-th.
func records(stream string, first, n int) []eventstore.Record {
	made := make([]eventstore.Record, n)
	for i := range made {
		made[i] = record(stream, first+i)
	}
	return made
}

func mustAppend(
	t testing.TB, s eventstore.Store, stream string, expected eventstore.Expected, rs []eventstore.Record,
) eventstore.Appended {
	t.Helper()
	appended, err := s.Append(patient(t), stream, expected, rs)
	if err != nil {
		t.Fatalf("append %d records to %q, expecting %s: %v", len(rs), stream, expected, err)
	}
	return appended
}

// collect reads a sequence to its end.
func collect(seq iter.Seq2[eventstore.Recorded, error]) (all []eventstore.Recorded, err error) {
	for r, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func mustCollect(t testing.TB, seq iter.Seq2[eventstore.Recorded, error]) []eventstore.Recorded {
	t.Helper()
	all, err := collect(seq)
	if err != nil {
		t.Fatalf("read: %v after %d records", err, len(all))
	}
	return all
}

// failsOf reads a sequence that must end with an error, and gives that.
func failsOf(t testing.TB, seq iter.Seq2[eventstore.Recorded, error]) error {
	t.Helper()
	var failed error
	for _, err := range seq {
		if failed != nil {
			t.Fatalf("the sequence goes on after the error %v", failed)
		}
		failed = err
	}
	if failed == nil {
		t.Fatal("the sequence ended without an error")
	}
	return failed
}

// checkStream reads a stream and wants just these records in it, with their revisions.
func checkStream(t testing.TB, s eventstore.Store, stream string, want []eventstore.Record) {
	t.Helper()
	checkRecords(t, mustCollect(t, s.ReadStream(patient(t), stream, 0)), stream, 0, want)
}

func checkRecords(
	t testing.TB, got []eventstore.Recorded, stream string, from eventstore.Revision, want []eventstore.Record,
) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("stream %q from %d: %d records, want %d", stream, from, len(got), len(want))
	}
	for i, r := range got {
		if r.Stream != stream || r.Revision != from+eventstore.Revision(i) {
			t.Fatalf("record %d is %q at %d, want %q at %d", i, r.Stream, r.Revision, stream, from+eventstore.Revision(i))
		}
		if !same(r.Record, want[i]) {
			t.Fatalf("stream %q at %d: %s, want %s", stream, r.Revision, describe(r.Record), describe(want[i]))
		}
	}
}

func same(a, b eventstore.Record) bool {
	return a.ID == b.ID && a.Type == b.Type && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Metadata, b.Metadata)
}

func describe(r eventstore.Record) string {
	return fmt.Sprintf("%s %s %.60q %.60q", r.ID, r.Type, r.Data, r.Metadata)
}

// checkAll reads the whole log and wants positions that grow, and in each stream revisions without a gap; it gives what
// it read.
func checkAll(t testing.TB, s eventstore.Store) []eventstore.Recorded {
	t.Helper()
	all := mustCollect(t, s.ReadAll(patient(t), eventstore.Start))
	checkOrder(t, all)
	return all
}

func checkOrder(t testing.TB, all []eventstore.Recorded) {
	t.Helper()
	next := map[string]eventstore.Revision{}
	last := eventstore.Start
	for i, r := range all {
		if r.Position.Compare(last) <= 0 {
			t.Fatalf("record %d is at position %s, after one at %s", i, r.Position, last)
		}
		if r.Revision != next[r.Stream] {
			t.Fatalf("record %d is revision %d of %q, want %d", i, r.Revision, r.Stream, next[r.Stream])
		}
		last = r.Position
		next[r.Stream]++
	}
}

// checkSame wants two readings of the log to be alike.
func checkSame(t testing.TB, got, want []eventstore.Recorded) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if g.Stream != w.Stream || g.Revision != w.Revision || g.Position != w.Position || !same(g.Record, w.Record) {
			t.Fatalf("record %d is %q at %d (position %s), want %q at %d (position %s)",
				i, g.Stream, g.Revision, g.Position, w.Stream, w.Revision, w.Position)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
}
