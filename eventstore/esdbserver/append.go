package esdbserver

import (
	"context"
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

const (
	readOnly   = "this endpoint is for reading"
	appendOnly = "nothing is ever deleted from the log"
)

// Append adds the events of a call to one stream, where the server is writable.
func (s *service) Append(call streams.Streams_AppendServer) error {
	err := s.append(call)
	if err != nil {
		// Some clients that are answered before they have sent everything take the answer for a broken connection.
		s.drain(call)
	}
	return answer(err, call.SetTrailer)
}

func (s *service) append(call streams.Streams_AppendServer) error {
	if !s.options.Writable {
		return accessDenied(readOnly)
	}
	p, err := s.receive(call)
	if err != nil {
		return err
	}
	appended, err := s.write(call.Context(), p)
	var conflict *eventstore.ConflictError
	switch {
	case errors.As(err, &conflict):
		return call.SendAndClose(p.wrongVersion(conflict))
	case err != nil:
		return s.unwritten(err)
	}
	return call.SendAndClose(success(appended))
}

// drain receives what else the client sends, as far as that is bounded.
func (s *service) drain(call streams.Streams_AppendServer) {
	for size := 0; size <= 2*s.options.MaxAppendBytes; {
		request, err := call.Recv()
		if err != nil {
			return
		}
		size += eventBytes(request.GetProposedMessage())
	}
}

// eventBytes is the size of an event as EventStoreDB counts it, whose types are in UTF-16.
func eventBytes(m *streams.AppendReq_ProposedMessage) int {
	return len(m.GetData()) + len(m.GetCustomMetadata()) + 2*len(m.GetMetadata()[metadataType])
}

// proposal is what a client wants to append.
type proposal struct {
	options  *streams.AppendReq_Options
	stream   string
	expected eventstore.Expected
	exists   bool // the stream must exist, at whatever revision
	records  []eventstore.Record
}

func (s *service) receive(call streams.Streams_AppendServer) (*proposal, error) {
	first, err := call.Recv()
	if err != nil && !errors.Is(err, io.EOF) { // a call without a request has no options either
		return nil, err //nolint:wrapcheck // gRPC's own
	}
	p := &proposal{options: first.GetOptions(), stream: string(first.GetOptions().GetStreamIdentifier().GetStreamName())}
	switch e := p.options.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		p.expected = eventstore.At(eventstore.Revision(e.Revision))
	case *streams.AppendReq_Options_NoStream:
		p.expected = eventstore.NoStream()
	case *streams.AppendReq_Options_Any:
		p.expected = eventstore.Any()
	case *streams.AppendReq_Options_StreamExists:
		p.expected, p.exists = eventstore.Any(), true
	default:
		return nil, malformed("an append begins with the stream and the revision that is expected of it")
	}
	for size := 0; ; {
		request, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // gRPC's own
		}
		record, err := readEvent(request.GetProposedMessage())
		if err != nil {
			return nil, err
		}
		p.records = append(p.records, record)
		if size += eventBytes(request.GetProposedMessage()); size > s.options.MaxAppendBytes {
			return nil, tooLarge(s.options.MaxAppendBytes)
		}
	}
}

func readEvent(m *streams.AppendReq_ProposedMessage) (eventstore.Record, error) {
	for _, property := range []string{metadataType, metadataContentType} {
		if _, ok := m.GetMetadata()[property]; !ok {
			return eventstore.Record{}, missing(property)
		}
	}
	id, err := readID(m.GetId())
	return eventstore.Record{
		ID: id, Type: m.GetMetadata()[metadataType], Data: m.GetData(), Metadata: m.GetCustomMetadata(),
	}, err
}

// write appends. An append that conflicts although its very events stand where it would have put them was sent before,
// and is answered as it was then, or would have been.
func (s *service) write(ctx context.Context, p *proposal) (eventstore.Appended, error) {
	if p.exists {
		if err := s.mustExist(ctx, p); err != nil {
			return eventstore.Appended{}, err
		}
	}
	appended, err := s.store.Append(ctx, p.stream, p.expected, p.records)
	if err == nil || !errors.Is(err, eventstore.ErrConflict) {
		return appended, err
	}
	before, repeated, readErr := s.repeated(ctx, p)
	if readErr != nil {
		return eventstore.Appended{}, readErr
	}
	if repeated {
		return before, nil
	}
	return eventstore.Appended{}, err
}

func (s *service) mustExist(ctx context.Context, p *proposal) error {
	for _, err := range s.store.ReadStream(ctx, p.stream, 0) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return &eventstore.ConflictError{Stream: p.stream, Expected: p.expected}
		}
		return err
	}
	return nil
}

// repeated tells whether the events of the proposal stand in the stream, right after the revision that it expects.
func (s *service) repeated(ctx context.Context, p *proposal) (eventstore.Appended, bool, error) {
	next := eventstore.Revision(0)
	if e, ok := p.options.GetExpectedStreamRevision().(*streams.AppendReq_Options_Revision); ok {
		next = eventstore.Revision(e.Revision) + 1
	}
	i := 0
	for recorded, err := range s.store.ReadStream(ctx, p.stream, next) {
		switch {
		case errors.Is(err, eventstore.ErrStreamNotFound):
			return eventstore.Appended{}, false, nil
		case err != nil:
			return eventstore.Appended{}, false, err
		case recorded.ID != p.records[i].ID:
			return eventstore.Appended{}, false, nil
		}
		if i++; i == len(p.records) {
			return eventstore.Appended{Last: recorded.Revision, Position: recorded.Position}, true, nil
		}
	}
	return eventstore.Appended{}, false, nil
}

func success(a eventstore.Appended) *streams.AppendResp {
	done := &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(a.Last)},
		PositionOption:        &streams.AppendResp_Success_NoPosition{NoPosition: &shared.Empty{}},
	}
	if commit, err := commitPosition(a.Position); err == nil { // it is written, whether or not that can be expressed
		done.PositionOption = &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: commit, PreparePosition: commit},
		}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: done}}
}

func (p *proposal) wrongVersion(c *eventstore.ConflictError) *streams.AppendResp {
	wrong := &streams.AppendResp_WrongExpectedVersion{
		CurrentRevisionOption: &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}},
	}
	if c.Exists {
		wrong.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(c.Actual)}
	}
	switch e := p.options.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_Revision:
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: e.Revision}
	case *streams.AppendReq_Options_NoStream:
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	default: // any revision conflicts with nothing
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: &shared.Empty{}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrong}}
}

// BatchAppend is not offered, and clients do not call it then; one that does is told why.
func (s *service) BatchAppend(call streams.Streams_BatchAppendServer) error {
	if !s.options.Writable {
		return answer(accessDenied(readOnly), call.SetTrailer)
	}
	return status.Error(codes.Unimplemented, "appends come one a call")
}

// Delete is refused: the log only grows.
func (s *service) Delete(ctx context.Context, _ *streams.DeleteReq) (*streams.DeleteResp, error) {
	return nil, answer(accessDenied(appendOnly), trailerOf(ctx))
}

// Tombstone is refused: the log only grows.
func (s *service) Tombstone(ctx context.Context, _ *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	return nil, answer(accessDenied(appendOnly), trailerOf(ctx))
}

func trailerOf(ctx context.Context) func(metadata.MD) {
	return func(m metadata.MD) {
		_ = grpc.SetTrailer(ctx, m) // it fails outside of a call only
	}
}
