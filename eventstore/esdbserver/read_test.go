package esdbserver_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

// receive reads to the end.
func receive(t *testing.T, stream *esdb.ReadStream, err error) (events []*esdb.RecordedEvent, failed error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for {
		event, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event.Event)
	}
}

// compare wants events to be just these records, in this order.
func compare(t *testing.T, got []*esdb.RecordedEvent, want []eventstore.Recorded) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, e := range got {
		compareOne(t, e, want[i])
	}
}

func compareOne(t *testing.T, e *esdb.RecordedEvent, r eventstore.Recorded) {
	t.Helper()
	if e.StreamID != r.Stream || e.EventNumber != uint64(r.Revision) || eventstore.ID(e.EventID) != r.ID ||
		e.EventType != r.Type || !bytes.Equal(e.Data, r.Data) || !bytes.Equal(e.UserMetadata, r.Metadata) {
		t.Fatalf("event %d of %q is %+v, want %+v", e.EventNumber, e.StreamID, e, r)
	}
	if e.Position.Commit != e.Position.Prepare {
		t.Fatalf("position %+v: want both parts to be the same", e.Position)
	}
}

func TestEventsAreRecords(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	plain := record("ledger-a", 0)
	add(t, store, "ledger-a", plain,
		eventstore.Record{ID: eventstore.ID{1}, Type: "Binary", Data: []byte{0xff, 0}, Metadata: []byte{0xfe}},
		eventstore.Record{Type: "NotText", Data: []byte("\"\xff\"")}, eventstore.Record{Type: "Empty"})
	c := client(t, store, esdbserver.Options{})
	got, err := receive(t, must(c.ReadStream(patient(t), "ledger-a", esdb.ReadStreamOptions{}, 10)), nil)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, all(t, store))
	for i, want := range []struct {
		content string
		created time.Time
	}{
		{"application/json", made},
		{"application/octet-stream", time.Unix(0, 0)},
		{"application/octet-stream", time.Unix(0, 0)},
		{"application/octet-stream", time.Unix(0, 0)},
	} {
		if e := got[i]; e.ContentType != want.content || !e.CreatedDate.Equal(want.created) {
			t.Errorf("event %d is %s of %s, want %s of %s", i, e.ContentType, e.CreatedDate, want.content, want.created)
		}
		if i > 0 && got[i].Position.Commit <= got[i-1].Position.Commit {
			t.Errorf("event %d is at %d, after %d", i, got[i].Position.Commit, got[i-1].Position.Commit)
		}
	}
}

// must is for calls whose errors come with the first event.
func must(stream *esdb.ReadStream, err error) *esdb.ReadStream {
	if err != nil {
		panic(err)
	}
	return stream
}

func TestTimesAreThoseOfTheRecords(t *testing.T) {
	store := filled(t)
	at := time.Date(2331, 5, 6, 7, 8, 9, 123_456_700, time.UTC)
	c := client(t, store, esdbserver.Options{RecordedAt: func(eventstore.Record) time.Time { return at }})
	got, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{}, 1)), nil)
	if want := strconv.FormatInt(at.Unix()*1e7+1_234_567, 10); err != nil || got[0].SystemMetadata["created"] != want {
		t.Errorf("created %v (%v), want %s", got, err, want)
	}
}

func TestStreamsAreReadFromAnywhereInBothDirections(t *testing.T) {
	store := filled(t)
	add(t, store, "ledger-a", records("ledger-a", 1000, 700)...) // more than is read at a time
	want := of(all(t, store), "ledger-a")
	reversed := slices.Clone(want)
	slices.Reverse(reversed)
	c := client(t, store, esdbserver.Options{})
	n := len(want)
	last := uint64(n - 1)
	for name, test := range map[string]struct {
		from      esdb.StreamPosition
		direction esdb.Direction
		count     uint64
		want      []eventstore.Recorded
	}{
		"all":                           {esdb.Start{}, esdb.Forwards, math.MaxUint64, want},
		"the first":                     {esdb.Start{}, esdb.Forwards, 1, want[:1]},
		"none":                          {esdb.Start{}, esdb.Forwards, 0, nil},
		"from a revision":               {esdb.Revision(7), esdb.Forwards, 9, want[7:16]},
		"from the last":                 {esdb.Revision(last), esdb.Forwards, 9, want[last:]},
		"from past the end":             {esdb.Revision(last + 1), esdb.Forwards, 9, nil},
		"from the end":                  {esdb.End{}, esdb.Forwards, 9, nil},
		"backwards":                     {esdb.End{}, esdb.Backwards, math.MaxUint64, reversed},
		"the last":                      {esdb.End{}, esdb.Backwards, 1, reversed[:1]},
		"back from a revision":          {esdb.Revision(7), esdb.Backwards, 3, reversed[n-8 : n-5]},
		"back from the first":           {esdb.Revision(0), esdb.Backwards, 3, reversed[n-1:]},
		"back from the start":           {esdb.Start{}, esdb.Backwards, 3, reversed[n-1:]},
		"back from past the end":        {esdb.Revision(last + 100), esdb.Backwards, 2, reversed[:2]},
		"back from a number very large": {esdb.Revision(math.MaxUint64), esdb.Backwards, 2, reversed[:2]},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := receive(t, must(c.ReadStream(patient(t), "ledger-a",
				esdb.ReadStreamOptions{From: test.from, Direction: test.direction}, test.count)), nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, test.want)
		})
	}
}

func TestTheEndOfAStreamIsFoundWhateverItsLength(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	c := client(t, store, esdbserver.Options{})
	for n := range 70 {
		add(t, store, "ledger-a", record("ledger-a", n))
		got, err := receive(t, must(c.ReadStream(patient(t), "ledger-a",
			esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards}, 1)), nil)
		if err != nil || len(got) != 1 || got[0].EventNumber != uint64(n) {
			t.Fatalf("of %d events the last is %v (%v)", n+1, got, err)
		}
	}
}

func TestTheWholeLogIsReadFromAnywhereInBothDirections(t *testing.T) {
	store := filled(t)
	want := all(t, store)
	reversed := slices.Clone(want)
	slices.Reverse(reversed)
	c := client(t, store, esdbserver.Options{})
	read := func(from esdb.AllPosition, direction esdb.Direction, count uint64) []*esdb.RecordedEvent {
		t.Helper()
		got, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{From: from, Direction: direction}, count)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := read(esdb.Start{}, esdb.Forwards, math.MaxUint64)
	compare(t, got, want)
	compare(t, read(esdb.Position{}, esdb.Forwards, 5), want[:5])
	compare(t, read(esdb.End{}, esdb.Forwards, 5), nil)
	compare(t, read(esdb.End{}, esdb.Backwards, math.MaxUint64), reversed)
	compare(t, read(esdb.End{}, esdb.Backwards, 5), reversed[:5])
	compare(t, read(esdb.Start{}, esdb.Backwards, 5), nil)
	for i, e := range got { // forwards shows the event at the position, backwards does not
		compare(t, read(e.Position, esdb.Forwards, 3), want[i:min(i+3, len(want))])
		compare(t, read(e.Position, esdb.Backwards, math.MaxUint64), reversed[len(want)-i:])
	}
}

func TestWhatDoesNotExistIsNotFound(t *testing.T) {
	c := client(t, filled(t), esdbserver.Options{})
	for _, stream := range []string{"ledger-none", "$$ledger-a", "$ce-ledger", ""} {
		for _, direction := range []esdb.Direction{esdb.Forwards, esdb.Backwards} {
			for _, from := range []esdb.StreamPosition{esdb.Start{}, esdb.End{}, esdb.Revision(3)} {
				_, err := receive(t, must(c.ReadStream(patient(t), stream,
					esdb.ReadStreamOptions{From: from, Direction: direction}, 5)), nil)
				if !is(err, esdb.ErrorCodeResourceNotFound) {
					t.Errorf("read %q: %v, want that it is not found", stream, err)
				}
			}
		}
	}
	// The client takes that for a failure, from EventStoreDB itself too, where a stream has no metadata.
	if _, err := c.GetStreamMetadata(patient(t), "ledger-a", esdb.ReadStreamOptions{}); !is(err, esdb.ErrorCodeResourceNotFound) {
		t.Errorf("metadata of a stream: %v, want that it is not found", err)
	}
}

func is(err error, code esdb.ErrorCode) bool {
	var e *esdb.Error
	return errors.As(err, &e) && e.IsErrorCode(code)
}

func TestClientsThatDiscoverAClusterFindTheServer(t *testing.T) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	for _, url := range []string{
		"esdb+discover://" + address + "?tls=false", "esdb://" + address + "," + address + "?tls=false",
		"esdb://" + address + "," + address + "?tls=false&nodePreference=readOnlyReplica",
	} {
		got, err := receive(t, must(connect(t, url).ReadAll(patient(t), esdb.ReadAllOptions{}, math.MaxUint64)), nil)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		compare(t, got, all(t, store))
	}
}

func TestClientsHearWhatTheProtocolIs(t *testing.T) {
	version, err := client(t, filled(t), esdbserver.Options{}).GetServerVersion()
	if err != nil || version.Major != 23 || version.Minor != 10 {
		t.Errorf("version %+v (%v), want 23.10", version, err)
	}
}
