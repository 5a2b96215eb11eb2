package esdb_test

import (
	"context"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
)

// What follows is how EventStoreDB behaves where it differs from the project's own server.

// sent is an event as EventStoreDB sends it. Its positions are the bytes at which it stands in the files of the log.
func sent(stream string, revision, position uint64) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{MostSignificantBits: 1}}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			StreamRevision:   revision, CommitPosition: position, PreparePosition: position,
			Metadata: map[string]string{"type": "Happened", "content-type": "application/json", "created": "0"},
		},
	}}}
}

func notFound(stream []byte) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: stream},
	}}}
}

// files is a log of EventStoreDB with some events of one stream, each of which begins where the one before ends.
type files struct{ events uint64 }

const eventSize = 100 // in the files, the first event begins after so many bytes

func (f files) position(revision uint64) uint64 { return (revision + 1) * eventSize }

// read sends what a reading asks for, of the stream or of all of it, and stops before it has sent more than so many.
func (f files) read(request *streams.ReadReq, call streams.Streams_ReadServer, most uint64) error {
	o := request.GetOptions()
	at := o.GetStream().GetRevision()
	if p := o.GetAll().GetPosition(); p != nil {
		at = p.GetCommitPosition()/eventSize - 1 // forwards, with the event at the position
	}
	count := min(o.GetCount(), most)
	if o.GetReadDirection() == streams.ReadReq_Options_Backwards { // from the end
		at, count = f.events-1, min(count, 1)
	}
	for ; at < f.events && count > 0; at, count = at+1, count-1 {
		if err := call.Send(sent("stream", at, f.position(at))); err != nil {
			return err
		}
	}
	return nil
}

// subscribe does as EventStoreDB does from 22.10 to 23.10. A subscription passes over the first event at or after the position
// that it is given, whichever that is. When it has caught up it is told of a checkpoint: where the next event will begin.
func (f files) subscribe(request *streams.ReadReq, call streams.Streams_ReadServer, more uint64) error {
	next := uint64(0)
	if p := request.GetOptions().GetAll().GetPosition(); p != nil {
		next = (p.GetCommitPosition()+eventSize-1)/eventSize - 1 + 1
	}
	checkpoint := func(commit, prepare uint64) *streams.ReadResp {
		return &streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
			Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: commit, PreparePosition: prepare},
		}}
	}
	messages := []*streams.ReadResp{{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: "1"},
	}}}
	if next < f.events {
		messages = append(messages, sent("stream", next, f.position(next)))
	}
	messages = append(messages,
		checkpoint(f.position(next+1), 0),
		// Where nothing was found from the start of the log on, later versions tell of "no position".
		checkpoint(math.MaxUint64, math.MaxUint64),
		&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}},
	)
	for next++; next < f.events && more > 0; next, more = next+1, more-1 {
		messages = append(messages, sent("stream", next, f.position(next)))
	}
	for _, m := range messages {
		if err := call.Send(m); err != nil {
			return err
		}
	}
	return status.Error(codes.Unavailable, "the node goes")
}

func TestCheckpointsOfASubscriptionHideNoEvent(t *testing.T) {
	const n = 12
	log, subscriptions := files{n}, uint64(0)
	s := open(t, strange{version: "23.10.0", read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
		subscriptions++
		return log.subscribe(request, call, subscriptions%3) // none, one or two after the checkpoint
	}}.serve(t), esdb.Options{})
	var read []eventstore.Recorded
	for r, err := range s.Subscribe(patient(t), eventstore.Start) {
		if err != nil {
			t.Fatalf("after %d records: %v", len(read), err)
		}
		if read = append(read, r); len(read) == n || r.Revision == n-1 {
			break
		}
	}
	checkRevisions(t, read, n)
}

// TestReadingsThatTheServerEndsTooEarly: EventStoreDB takes some failures of its own for the end of a reading, and says so
// without an error.
func TestReadingsThatTheServerEndsTooEarly(t *testing.T) {
	const n = 7
	log, calls := files{n}, uint64(0)
	s := open(t, strange{version: "23.10.0", read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
		calls++
		return log.read(request, call, calls%4) // nothing, at times
	}}.serve(t), esdb.Options{})
	for range 2 {
		calls++ // begin elsewhere
		checkRevisions(t, all(t, s.ReadStream(patient(t), "stream", 0)), n)
		checkRevisions(t, all(t, s.ReadAll(patient(t), eventstore.Start)), n)
	}
}

// TestATimeThatTheClientCannotRead would end the process.
func TestATimeThatTheClientCannotRead(t *testing.T) {
	s := open(t, strange{version: "23.10.0", read: func(_ *streams.ReadReq, call streams.Streams_ReadServer) error {
		e := sent("stream", 0, eventSize)
		delete(e.GetEvent().GetEvent().GetMetadata(), "created")
		return call.Send(e)
	}}.serve(t), esdb.Options{})
	checkRevisions(t, all(t, s.ReadAll(patient(t), eventstore.Start)), 1)
}

// TestAnswersThatTheClientDoesNotSurvive end the call alone.
func TestAnswersThatTheClientDoesNotSurvive(t *testing.T) {
	deleted := func(setTrailer func(metadata.MD)) error { // without the name of the stream
		setTrailer(metadata.Pairs("exception", "stream-deleted"))
		return status.Error(codes.FailedPrecondition, "Event stream is deleted.")
	}
	s := open(t, strange{
		version: "23.10.0",
		append: func(call streams.Streams_AppendServer) error {
			for {
				if _, err := call.Recv(); errors.Is(err, io.EOF) {
					return deleted(call.SetTrailer)
				}
			}
		},
		read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
			if request.GetOptions().GetAll() != nil && request.GetOptions().GetSubscription() == nil {
				return call.Send(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{}}})
			}
			return deleted(call.SetTrailer)
		},
	}.serve(t), esdb.Options{Attempts: 2})
	if _, err := s.Append(patient(t), "stream", eventstore.NoStream(), records(0, 1)); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
	for name, seq := range map[string]func(context.Context, eventstore.Position) error{
		"read": func(ctx context.Context, p eventstore.Position) (failed error) {
			for _, failed = range s.ReadAll(ctx, p) {
			}
			return failed
		},
		"stream": func(ctx context.Context, _ eventstore.Position) (failed error) {
			for _, failed = range s.ReadStream(ctx, "stream", 0) {
			}
			return failed
		},
	} {
		if err := seq(patient(t), eventstore.Start); !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("%s: %v, want that the store is unavailable", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var failed error
		for _, failed = range s.Subscribe(ctx, eventstore.Start) {
		}
		ended <- failed
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("subscription: %v, want the context's error", err)
	}
}

// TestAStreamThatWasDeletedIsCorrupt: to EventStoreDB a stream whose events are all truncated is none, and an append that
// expects none goes on where it ended.
func TestAStreamThatWasDeletedIsCorrupt(t *testing.T) {
	metadata := func(text string) *streams.ReadResp {
		e := sent("$$stream", 0, eventSize)
		e.GetEvent().GetEvent().Data = []byte(text)
		e.GetEvent().GetEvent().Metadata["type"] = "$metadata"
		return e
	}
	for name, answer := range map[string]func(stream string) (*streams.ReadResp, error){
		"deleted": func(stream string) (*streams.ReadResp, error) {
			if stream == "$$stream" {
				return metadata(`{"$tb":9223372036854775807}`), nil
			}
			return notFound([]byte(stream)), nil
		},
		"expired": func(string) (*streams.ReadResp, error) { return nil, nil }, //nolint:nilnil // there is a stream, and nothing in it
		"tombstone": func(string) (*streams.ReadResp, error) {
			return nil, status.Error(codes.FailedPrecondition, "Event stream 'stream' is deleted.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, strange{version: "23.10.0", read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
				stream := string(request.GetOptions().GetStream().GetStreamIdentifier().GetStreamName())
				message, err := answer(stream)
				if err != nil {
					call.SetTrailer(deletedTrailer(stream))
					return err
				}
				if message == nil {
					return nil
				}
				return call.Send(message)
			}}.serve(t), esdb.Options{})
			failures := 0
			for _, err := range s.ReadStream(patient(t), "stream", 0) {
				if failures++; !errors.Is(err, eventstore.ErrCorrupt) {
					t.Errorf("read: %v, want that it is corrupt", err)
				}
			}
			if failures != 1 {
				t.Errorf("the reading ends with %d errors", failures)
			}
			if _, err := s.Append(patient(t), "stream", eventstore.Any(), records(0, 1)); !errors.Is(err, eventstore.ErrCorrupt) {
				t.Errorf("append: %v, want that it is corrupt", err)
			}
		})
	}
}

func deletedTrailer(stream string) metadata.MD {
	return metadata.Pairs("exception", "stream-deleted", "stream-name", stream)
}

// TestAStreamThatIsNoneIsNotFound although it has metadata, or nobody may see whether it has.
func TestAStreamThatIsNoneIsNotFound(t *testing.T) {
	for name, answer := range map[string]error{"nobody may see": status.Error(codes.PermissionDenied, "Access Denied"), "metadata": nil} {
		s := open(t, strange{version: "23.10.0", read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
			stream := request.GetOptions().GetStream().GetStreamIdentifier().GetStreamName()
			if string(stream) != "$$stream" {
				return call.Send(notFound(stream))
			}
			if answer != nil {
				return answer
			}
			e := sent("$$stream", 0, eventSize)
			e.GetEvent().GetEvent().Data = []byte(`{"$acl":{"$w":"daybook"}}`)
			return call.Send(e)
		}}.serve(t), esdb.Options{})
		for _, err := range s.ReadStream(patient(t), "stream", 0) {
			if !errors.Is(err, eventstore.ErrStreamNotFound) {
				t.Errorf("%s: %v, want that there is no such stream", name, err)
			}
		}
	}
}

// answered receives an append, and answers it.
func answered(answer *streams.AppendResp) func(streams.Streams_AppendServer) error {
	return func(call streams.Streams_AppendServer) error {
		for {
			if _, err := call.Recv(); errors.Is(err, io.EOF) {
				return call.SendAndClose(answer)
			} else if err != nil {
				return err
			}
		}
	}
}

// TestAnAppendThatLandsElsewhere: EventStoreDB writes what expects no stream after the end of one that was deleted.
func TestAnAppendThatLandsElsewhere(t *testing.T) {
	s := open(t, strange{version: "23.10.0", append: answered(&streams.AppendResp{Result: &streams.AppendResp_Success_{
		Success: &streams.AppendResp_Success{
			CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: 7},
			PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
				CommitPosition: eventSize, PreparePosition: eventSize,
			}},
		},
	}})}.serve(t), esdb.Options{})
	for expected, want := range map[eventstore.Expected]error{eventstore.NoStream(): eventstore.ErrCorrupt, eventstore.At(5): nil} {
		if _, err := s.Append(patient(t), "stream", expected, records(0, 2)); !errors.Is(err, want) {
			t.Errorf("append expecting %s: %v, want %v", expected, err, want)
		}
	}
}

// TestAConflictWithWhatCannotBeReadYet: EventStoreDB compares revisions with what its leader has written, and shows what a
// majority of the nodes has. Until they have it, nobody can go on from there.
func TestAConflictWithWhatCannotBeReadYet(t *testing.T) {
	asked := 0
	conflict := answered(&streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{
		WrongExpectedVersion: &streams.AppendResp_WrongExpectedVersion{
			CurrentRevisionOption:  &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: 3},
			ExpectedRevisionOption: &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: 2},
		},
	}})
	log := files{3}
	s := open(t, strange{
		version: "23.10.0",
		append: func(call streams.Streams_AppendServer) error {
			asked++
			return conflict(call)
		},
		read: func(request *streams.ReadReq, call streams.Streams_ReadServer) error {
			return log.read(request, call, math.MaxUint64)
		},
	}.serve(t), esdb.Options{})
	for _, expected := range []eventstore.Expected{eventstore.At(2), eventstore.Any()} {
		asked = 0
		_, err := s.Append(patient(t), "stream", expected, records(0, 1))
		if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrConflict) || asked != 1 {
			t.Errorf("append expecting %s: %v, sent %d times, want that the store is unavailable", expected, err, asked)
		}
	}
	var conflicting *eventstore.ConflictError
	if _, err := s.Append(patient(t), "stream", eventstore.At(1), records(0, 1)); !errors.As(err, &conflicting) || conflicting.Actual != 2 {
		t.Errorf("append: %v, want a conflict at revision 2", err)
	}
}

// TestAnAppendThatIsNotHandledWasNotWritten: that is what EventStoreDB says while it has no leader, or has too much to do.
func TestAnAppendThatIsNotHandledWasNotWritten(t *testing.T) {
	for _, message := range []string{"Server Is Not Ready", "Server Is Too Busy"} {
		sent := 0
		s := open(t, strange{version: "23.10.0", append: func(streams.Streams_AppendServer) error {
			sent++
			return status.Error(codes.Unavailable, message)
		}}.serve(t), esdb.Options{Attempts: 3})
		_, err := s.Append(patient(t), "stream", eventstore.NoStream(), records(0, 1))
		if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) || sent != 3 {
			t.Errorf("%s: %v after %d attempts, want that the store is unavailable after 3", message, err, sent)
		}
	}
}

// TestNobodyWaitsForAClientThatIsGivenUp: an append that is not answered on a connection that failed somebody else is sent again, by
// another one. Nobody else would end it: the contexts of appends have no end.
func TestNobodyWaitsForAClientThatIsGivenUp(t *testing.T) {
	appended := answered(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{},
		PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: eventSize, PreparePosition: eventSize,
		}},
	}}})
	silent, arrived := true, make(chan struct{})
	s := open(t, strange{
		version: "23.10.0",
		append: func(call streams.Streams_AppendServer) error {
			if !silent {
				return appended(call)
			}
			silent = false
			close(arrived)
			<-call.Context().Done()
			return call.Context().Err()
		},
		read: func(*streams.ReadReq, streams.Streams_ReadServer) error {
			return status.Error(codes.Unavailable, "the node goes")
		},
	}.serve(t), esdb.Options{})
	done := make(chan error, 1)
	go func() {
		_, err := s.Append(context.WithoutCancel(t.Context()), "stream", eventstore.NoStream(), records(0, 1))
		done <- err
	}()
	<-arrived
	for _, err := range s.ReadStream(patient(t), "stream", 0) {
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("read: %v, want that the store is unavailable", err)
		}
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("append: %v", err)
		}
	case <-patient(t).Done():
		t.Error("the append waits for ever")
	}
}
