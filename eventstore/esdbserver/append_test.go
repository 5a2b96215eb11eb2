package esdbserver_test

import (
	"bytes"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// proposed are records as the client sends them.
func proposed(rs ...eventstore.Record) []esdb.EventData {
	events := make([]esdb.EventData, len(rs))
	for i, r := range rs {
		events[i] = esdb.EventData{EventID: uuid.UUID(r.ID), EventType: r.Type, Data: r.Data, Metadata: r.Metadata}
	}
	return events
}

func TestNothingIsWrittenThroughAServerThatIsForReading(t *testing.T) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	c := connect(t, "esdb://"+address+"?tls=false")
	before := all(t, store)
	big := record("ledger-a", 9)
	big.Data = bytes.Repeat([]byte("x"), 500<<10)
	for name, write := range map[string]func() error{
		"append": func() error {
			_, err := c.AppendToStream(patient(t), "ledger-a", esdb.AppendToStreamOptions{}, proposed(record("ledger-a", 9))...)
			return err
		},
		"append of more than is sent before the answer": func() error {
			_, err := c.AppendToStream(patient(t), "ledger-a", esdb.AppendToStreamOptions{}, proposed(big, big, big)...)
			return err
		},
		"metadata": func() error {
			_, err := c.SetStreamMetadata(patient(t), "ledger-a", esdb.AppendToStreamOptions{}, esdb.StreamMetadata{})
			return err
		},
		"delete": func() error {
			_, err := c.DeleteStream(patient(t), "ledger-a", esdb.DeleteStreamOptions{})
			return err
		},
		"tombstone": func() error {
			_, err := c.TombstoneStream(patient(t), "ledger-a", esdb.TombstoneStreamOptions{})
			return err
		},
		"batch": func() error {
			var trailer metadata.MD
			call, err := streams.NewStreamsClient(dial(t, address)).BatchAppend(patient(t), grpc.Trailer(&trailer))
			if err != nil {
				return err
			}
			if _, err = call.Recv(); status.Code(err) != codes.PermissionDenied || trailer.Get("exception")[0] != "access-denied" {
				t.Errorf("a batch: %v (%v), want that access is denied", err, trailer)
			}
			return nil
		},
	} {
		if err := write(); name != "batch" && !is(err, esdb.ErrorCodeAccessDenied) {
			t.Errorf("%s: %v, want that access is denied", name, err)
		}
	}
	if after := all(t, store); len(after) != len(before) {
		t.Errorf("the log has %d records, had %d", len(after), len(before))
	}
}

func TestAWritableServerAppends(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	c := client(t, store, esdbserver.Options{Writable: true})
	appendTo := func(expected esdb.ExpectedRevision, rs ...eventstore.Record) (*esdb.WriteResult, error) {
		return c.AppendToStream(patient(t), "ledger-a", esdb.AppendToStreamOptions{ExpectedRevision: expected}, proposed(rs...)...)
	}
	rs := records("ledger-a", 0, 12)
	want := 0
	for _, test := range []struct {
		expected esdb.ExpectedRevision
		records  []eventstore.Record
		ok       bool
	}{
		{esdb.StreamExists{}, rs[:1], false},
		{esdb.Revision(0), rs[:1], false},
		{esdb.NoStream{}, rs[:3], true},
		{esdb.NoStream{}, rs[3:4], false},
		{esdb.Revision(2), rs[3:5], true},
		{esdb.Revision(2), rs[5:6], false}, // another event than the one that stands there
		{esdb.Revision(9), rs[5:6], false},
		{esdb.Any{}, rs[5:6], true},
		{esdb.StreamExists{}, rs[6:8], true},
	} {
		result, err := appendTo(test.expected, test.records...)
		if !test.ok {
			if !is(err, esdb.ErrorCodeWrongExpectedVersion) {
				t.Errorf("append expecting %T%v: %v, want a wrong version", test.expected, test.expected, err)
			}
			continue
		}
		want += len(test.records)
		log := all(t, store)
		if err != nil || result.NextExpectedVersion != uint64(want-1) || len(log) != want {
			t.Fatalf("append expecting %T%v: %+v, %v; want revision %d", test.expected, test.expected, result, err, want-1)
		}
		compare(t, mustReceive(t, c, result), log[want-1:])
	}
}

// mustReceive reads from the position that an append has answered.
func mustReceive(t *testing.T, c *esdb.Client, from *esdb.WriteResult) []*esdb.RecordedEvent {
	t.Helper()
	at := esdb.Position{Commit: from.CommitPosition, Prepare: from.PreparePosition}
	got, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{From: at}, 1000)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnAppendThatIsSentAgainIsRecognised(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	c := client(t, store, esdbserver.Options{Writable: true})
	rs := records("ledger-a", 0, 9)
	send := func(expected esdb.ExpectedRevision, rs ...eventstore.Record) (*esdb.WriteResult, error) {
		return c.AppendToStream(patient(t), "ledger-a", esdb.AppendToStreamOptions{ExpectedRevision: expected}, proposed(rs...)...)
	}
	first, err := send(esdb.NoStream{}, rs[:3]...)
	if err != nil {
		t.Fatal(err)
	}
	second, err := send(esdb.Revision(2), rs[3:5]...)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if again, err := send(esdb.NoStream{}, rs[:3]...); err != nil || *again != *first {
			t.Errorf("again: %+v, %v; want %+v", again, err, first)
		}
		if again, err := send(esdb.Revision(2), rs[3:5]...); err != nil || *again != *second {
			t.Errorf("again: %+v, %v; want %+v", again, err, second)
		}
	}
	for name, other := range map[string][]eventstore.Record{
		"one more than there is": rs[3:6], "another at the end": {rs[3], rs[7]}, "another order": {rs[4], rs[3]},
	} {
		if _, err := send(esdb.Revision(2), other...); !is(err, esdb.ErrorCodeWrongExpectedVersion) {
			t.Errorf("%s: %v, want a wrong version", name, err)
		}
	}
	if log := all(t, store); len(log) != 5 {
		t.Errorf("%d records, want 5", len(log))
	}
}

func TestRefusedAppends(t *testing.T) {
	store := memstore.NewLimited(2 << 20)
	defer store.Close()
	faulty := storetest.NewFaulty(store)
	address := serve(t, faulty, esdbserver.Options{Writable: true, MaxAppendBytes: 1 << 20})
	api := streams.NewStreamsClient(dial(t, address))
	begin := func(stream string) *streams.AppendReq {
		return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}}
	}
	event := func(id *shared.UUID, size int, properties map[string]string) *streams.AppendReq {
		return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: id, Metadata: properties, Data: make([]byte, size),
		}}}
	}
	id := &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewString()}}
	badID := &shared.UUID{Value: &shared.UUID_String_{String_: "none"}}
	whole := map[string]string{"type": "T", "content-type": "application/json"}
	for name, test := range map[string]struct {
		requests  []*streams.AppendReq
		fault     error
		code      codes.Code
		exception string
	}{
		"nothing at all":          {nil, nil, codes.InvalidArgument, ""},
		"no options":              {[]*streams.AppendReq{event(id, 1, whole)}, nil, codes.InvalidArgument, ""},
		"no events":               {[]*streams.AppendReq{begin("a")}, nil, codes.InvalidArgument, ""},
		"options twice":           {[]*streams.AppendReq{begin("a"), begin("a")}, nil, codes.InvalidArgument, "missing-required-metadata-property"},
		"no type":                 {[]*streams.AppendReq{begin("a"), event(id, 1, map[string]string{"content-type": "x"})}, nil, codes.InvalidArgument, "missing-required-metadata-property"},
		"no content type":         {[]*streams.AppendReq{begin("a"), event(id, 1, map[string]string{"type": "T"})}, nil, codes.InvalidArgument, "missing-required-metadata-property"},
		"no id":                   {[]*streams.AppendReq{begin("a"), event(nil, 1, whole)}, nil, codes.InvalidArgument, ""},
		"a bad id":                {[]*streams.AppendReq{begin("a"), event(badID, 1, whole)}, nil, codes.InvalidArgument, ""},
		"a bad type":              {[]*streams.AppendReq{begin("a"), event(id, 1, map[string]string{"type": "$T", "content-type": "x"})}, nil, codes.InvalidArgument, ""},
		"a bad stream":            {[]*streams.AppendReq{begin("$$a"), event(id, 1, whole)}, nil, codes.InvalidArgument, ""},
		"too large":               {[]*streams.AppendReq{begin("a"), event(id, 1<<20-1, whole)}, nil, codes.InvalidArgument, "maximum-append-size-exceeded"},
		"too large for the store": {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, eventstore.ErrTooLarge, codes.InvalidArgument, "maximum-append-size-exceeded"},
		"overloaded":              {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, eventstore.ErrOverloaded, codes.ResourceExhausted, ""},
		"unavailable":             {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, eventstore.ErrUnavailable, codes.ResourceExhausted, ""},
		"closed":                  {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, eventstore.ErrClosed, codes.ResourceExhausted, ""},
		"nobody knows":            {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, eventstore.ErrOutcomeUnknown, codes.Aborted, ""},
		"something else":          {[]*streams.AppendReq{begin("a"), event(id, 9, whole)}, bytes.ErrTooLarge, codes.Unknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if test.fault != nil {
				faulty.Next(storetest.Refused(test.fault))
			}
			var trailer metadata.MD
			call, err := api.Append(patient(t), grpc.Trailer(&trailer))
			if err != nil {
				t.Fatal(err)
			}
			for _, request := range test.requests {
				if err := call.Send(request); err != nil {
					t.Fatal(err)
				}
			}
			_, err = call.CloseAndRecv()
			var exception string
			if values := trailer.Get("exception"); len(values) > 0 {
				exception = values[0]
			}
			if status.Code(err) != test.code || exception != test.exception {
				t.Errorf("%v (%q), want %s (%q)", err, exception, test.code, test.exception)
			}
		})
	}
	if log := all(t, store); len(log) != 0 {
		t.Errorf("%d records were written", len(log))
	}
}
