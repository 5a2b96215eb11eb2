package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var appendCases = []testCase{ //nolint:gochecknoglobals // a table
	{"expected revision", testExpected},
	{"revisions and positions", testRevisions},
	{"all or none", testAllOrNone},
	{"any bytes", testAnyBytes},
	{"big records", testBigRecords},
	{"refused input", testRefusedInput},
	{"repetition", testRepetition},
	{"records stay the caller's", testAppendedBytesAreCopied},
	{"context that has ended", testAppendEndedContext},
}

func testExpected(t *testing.T, h Harness) {
	const missing, three = "missing", "three" // no record, and three
	for _, test := range []struct {
		stream   string
		expected eventstore.Expected
		ok       bool
	}{
		{missing, eventstore.NoStream(), true},
		{missing, eventstore.Any(), true},
		{missing, eventstore.At(0), false},
		{missing, eventstore.At(7), false},
		{three, eventstore.NoStream(), false},
		{three, eventstore.Any(), true},
		{three, eventstore.At(2), true},
		{three, eventstore.At(0), false},
		{three, eventstore.At(1), false},
		{three, eventstore.At(3), false},
	} {
		t.Run(test.stream+" expecting "+test.expected.String(), func(t *testing.T) {
			s := h.New(t)
			mustAppend(t, s, "other", eventstore.NoStream(), records("other", 0, 5))
			held := records(three, 0, 3)
			mustAppend(t, s, three, eventstore.NoStream(), held)
			if test.stream == missing {
				held = nil
			}
			added := records(test.stream, len(held), 2)
			appended, err := s.Append(patient(t), test.stream, test.expected, added)
			if test.ok {
				if want := eventstore.Revision(len(held) + 1); err != nil || appended.Last != want {
					t.Fatalf("append: %d, %v; want revision %d", appended.Last, err, want)
				}
				checkStream(t, s, test.stream, append(held, added...))
				return
			}
			checkConflict(t, err, eventstore.ConflictError{
				Stream: test.stream, Expected: test.expected, Exists: len(held) > 0, Actual: eventstore.Revision(max(len(held)-1, 0)),
			})
			if len(held) == 0 {
				if err := failsOf(t, s.ReadStream(patient(t), missing, 0)); !errors.Is(err, eventstore.ErrStreamNotFound) {
					t.Errorf("read the stream after a conflict: %v, want that it does not exist", err)
				}
				return
			}
			checkStream(t, s, test.stream, held)
		})
	}
}

func checkConflict(t testing.TB, err error, want eventstore.ConflictError) {
	t.Helper()
	var conflict *eventstore.ConflictError
	if !errors.As(err, &conflict) || !errors.Is(err, eventstore.ErrConflict) {
		t.Fatalf("append: %v, want a conflict", err)
	}
	if *conflict != want {
		t.Errorf("the conflict is %+v, want %+v", *conflict, want)
	}
}

func testRevisions(t *testing.T, h Harness) {
	s := h.New(t)
	var want []eventstore.Record
	var last eventstore.Appended
	expected := eventstore.NoStream()
	for _, n := range []int{1, 2, 1, 999, 1000, 1001, 2500, 1} {
		added := records("stream", len(want), n)
		appended := mustAppend(t, s, "stream", expected, added)
		want = append(want, added...)
		if appended.Last != eventstore.Revision(len(want)-1) {
			t.Fatalf("after %d records the last is %d", len(want), appended.Last)
		}
		if appended.Position.Compare(last.Position) <= 0 {
			t.Fatalf("position %s comes after %s", appended.Position, last.Position)
		}
		last = appended
		expected = eventstore.At(appended.Last)
	}
	checkStream(t, s, "stream", want)
	all := checkAll(t, s)
	if got := all[len(all)-1].Position; got != last.Position {
		t.Errorf("the last record is at %s, its append said %s", got, last.Position)
	}
}

func testAllOrNone(t *testing.T, h Harness) {
	s := h.New(t)
	held := records("stream", 0, 2)
	mustAppend(t, s, "stream", eventstore.NoStream(), held)
	// Enough records that no store writes them in one piece.
	for _, expected := range []eventstore.Expected{eventstore.NoStream(), eventstore.At(0), eventstore.At(5)} {
		if _, err := s.Append(patient(t), "stream", expected, records("stream", 2, 3000)); err == nil {
			t.Fatalf("append expecting %s: no error", expected)
		}
	}
	bad := records("stream", 2, 3000)
	bad[2999].Type = ""
	if _, err := s.Append(patient(t), "stream", eventstore.At(1), bad); err == nil {
		t.Fatal("append with a bad last record: no error")
	}
	checkStream(t, s, "stream", held)
	if all := checkAll(t, s); len(all) != len(held) {
		t.Errorf("%d records in the log, want %d", len(all), len(held))
	}
}

func testAnyBytes(t *testing.T, h Harness) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	id := eventstore.ID{0xff, 0, 1}
	want := []eventstore.Record{
		{ID: id, Type: "T", Data: every, Metadata: []byte("\x00")},
		{ID: id, Type: strings.Repeat("z", 128), Data: []byte("\xff\xfe invalid"), Metadata: every},
		{Type: "A-z_9", Data: nil, Metadata: []byte{}},
		{Type: "Text", Data: []byte("'; DROP TABLE appends; --"), Metadata: []byte("línea\r\n\u2028")},
		{Type: "Zeros", Data: make([]byte, 5000), Metadata: bytes.Repeat([]byte{0xff}, 5000)},
	}
	s := h.New(t)
	mustAppend(t, s, "A-z_9", eventstore.NoStream(), want)
	checkStream(t, s, "A-z_9", want)
	checkRecords(t, checkAll(t, s), "A-z_9", 0, want)
}

func testBigRecords(t *testing.T, h Harness) {
	s := h.New(t)
	want := records("big", 0, 7)
	for i, size := range []int{100 << 10, 1 << 20, 3 << 19, 10, 1<<20 - 30, 500 << 10, 3 << 16} {
		want[i].Data = bytes.Repeat([]byte{byte('a' + i)}, size)
	}
	appended := eventstore.NoStream()
	for _, part := range [][]eventstore.Record{want[:2], want[2:3], want[3:]} { // at most 3 MiB each
		appended = eventstore.At(mustAppend(t, s, "big", appended, part).Last)
	}
	checkStream(t, s, "big", want)
	for from := range want {
		got := mustCollect(t, s.ReadStream(patient(t), "big", eventstore.Revision(from)))
		checkRecords(t, got, "big", eventstore.Revision(from), want[from:])
	}
}

func testRefusedInput(t *testing.T, h Harness) {
	s := h.New(t)
	typed := func(name string) []eventstore.Record { return []eventstore.Record{{Type: name}} }
	for _, test := range []struct {
		name    string
		stream  string
		records []eventstore.Record
		says    string
	}{
		{"no records", "stream", nil, "nothing to append"},
		{"empty slice", "stream", []eventstore.Record{}, "nothing to append"},
		{"no stream", "", typed("T"), "stream name"},
		{"slash in stream", "a/b", typed("T"), "stream name"},
		{"dot in stream", "a.b", typed("T"), "stream name"},
		{"letter beyond ASCII in stream", "é", typed("T"), "stream name"},
		{"NUL in stream", "a\x00", typed("T"), "stream name"},
		{"long stream", strings.Repeat("s", 129), typed("T"), "stream name"},
		{"no type", "stream", typed(""), "type name"},
		{"space in type", "stream", typed("Has Space"), "type name"},
		{"dot in type", "stream", typed("a.b"), "type name"},
		{"long type", "stream", typed(strings.Repeat("T", 129)), "type name"},
		{"bad type of the last", "stream", append(records("stream", 0, 2), typed("?")...), "type name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Append(patient(t), test.stream, eventstore.Any(), test.records)
			if !errors.Is(err, eventstore.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("append: %v, want that it is invalid for its %s", err, test.says)
			}
		})
	}
	if all := checkAll(t, s); len(all) != 0 {
		t.Errorf("%d records were written", len(all))
	}
}

func testRepetition(t *testing.T, h Harness) {
	s := h.New(t)
	rs := records("stream", 0, 2)
	first := mustAppend(t, s, "stream", eventstore.NoStream(), rs)
	second := mustAppend(t, s, "stream", eventstore.Any(), rs)
	for expected, before := range map[eventstore.Expected]eventstore.Appended{
		eventstore.NoStream(): first, eventstore.At(first.Last): second,
	} {
		again, err := s.Append(patient(t), "stream", expected, rs)
		if s.Traits().RecognisesRepetition {
			if err != nil || again != before {
				t.Errorf("append again, expecting %s: %+v, %v; want %+v", expected, again, err, before)
			}
			continue
		}
		checkConflict(t, err, eventstore.ConflictError{
			Stream: "stream", Expected: expected, Exists: true, Actual: second.Last,
		})
	}
	_, err := s.Append(patient(t), "stream", eventstore.NoStream(), records("stream", 7, 2)) // others
	checkConflict(t, err, eventstore.ConflictError{
		Stream: "stream", Expected: eventstore.NoStream(), Exists: true, Actual: second.Last,
	})
	checkStream(t, s, "stream", append(rs, rs...))
}

func testAppendedBytesAreCopied(t *testing.T, h Harness) {
	s := h.New(t)
	rs := records("stream", 0, 3)
	mustAppend(t, s, "stream", eventstore.NoStream(), rs)
	for i := range rs {
		clear(rs[i].Data)
		clear(rs[i].Metadata)
		rs[i].Type = "Changed"
	}
	checkStream(t, s, "stream", records("stream", 0, 3))
}

func testAppendEndedContext(t *testing.T, h Harness) {
	s := h.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Append(ctx, "stream", eventstore.Any(), records("stream", 0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v, want the context's error", err)
	}
	if all := checkAll(t, s); len(all) != 0 {
		t.Errorf("%d records were written", len(all))
	}
}
