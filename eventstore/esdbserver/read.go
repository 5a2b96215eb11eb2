package esdbserver

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/daybook-ledger/daybook/eventstore"
)

// records are what a call reads, in its order.
type records = iter.Seq2[eventstore.Recorded, error]

// Read answers readings and subscriptions, of one stream or of $all.
func (s *service) Read(request *streams.ReadReq, call streams.Streams_ReadServer) error {
	ctx, cancel := s.alive(call.Context())
	defer cancel()
	options := request.GetOptions()
	_, textIDs := options.GetUuidOption().GetContent().(*streams.ReadReq_Options_UUIDOption_String_)
	r := &reading{
		service: s, ctx: ctx, options: options, send: call.Send,
		writer: writer{recordedAt: s.options.RecordedAt, textIDs: textIDs},
	}
	err := r.run()
	if err != nil {
		err = s.unreadable(ctx, err)
	}
	return answer(err, call.SetTrailer)
}

// reading is one call of Read.
type reading struct {
	*service

	ctx     context.Context //nolint:containedctx // lives as long as the call
	options *streams.ReadReq_Options
	writer  writer
	send    func(*streams.ReadResp) error
}

func (r *reading) run() error {
	filter, err := readFilter(r.options)
	if err != nil {
		return err
	}
	stream, all := r.options.GetStream(), r.options.GetAll()
	_, subscribe := r.options.GetCountOption().(*streams.ReadReq_Options_Subscription)
	switch {
	case stream == nil && all == nil:
		return malformed("a read wants a stream or $all")
	case filter != nil && stream != nil:
		return malformed("one stream cannot be read through a filter")
	case subscribe && r.backwards():
		return malformed("a subscription goes forwards")
	case subscribe && stream != nil:
		return r.subscribeToStream(stream)
	case subscribe:
		return r.subscribeToAll(all, filter)
	case stream != nil:
		return r.readStream(stream)
	default:
		return r.readAll(all, filter)
	}
}

func (r *reading) backwards() bool {
	return r.options.GetReadDirection() == streams.ReadReq_Options_Backwards
}

func (r *reading) readAll(from *streams.ReadReq_Options_AllOptions, filter *filter) error {
	if r.backwards() {
		before, err := backwards(from)
		if err != nil {
			return err
		}
		return r.deliver(r.store.ReadAllBackwards(r.ctx, before), filter)
	}
	after, err := forwards(from)
	if err != nil {
		return err
	}
	return r.deliver(r.store.ReadAll(r.ctx, after), filter)
}

func (r *reading) readStream(from *streams.ReadReq_Options_StreamOptions) error {
	name := string(from.GetStreamIdentifier().GetStreamName())
	revision, err := revisionOf(from)
	if err != nil {
		return err
	}
	read := r.store.ReadStream(r.ctx, name, revision)
	if r.backwards() {
		read = r.streamBackwards(name, revision)
	}
	err = r.deliver(read, nil)
	if errors.Is(err, eventstore.ErrStreamNotFound) {
		return r.send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(name)},
			},
		}})
	}
	return err
}

// endOfStream is a revision after all others. Forwards there is nothing from it on, backwards everything.
const endOfStream = eventstore.Revision(math.MaxUint64)

func revisionOf(from *streams.ReadReq_Options_StreamOptions) (eventstore.Revision, error) {
	switch from := from.GetRevisionOption().(type) {
	case *streams.ReadReq_Options_StreamOptions_Revision:
		return eventstore.Revision(from.Revision), nil
	case *streams.ReadReq_Options_StreamOptions_Start:
		return 0, nil
	case *streams.ReadReq_Options_StreamOptions_End:
		return endOfStream, nil
	default:
		return 0, malformed("a read of a stream wants a revision, the start or the end")
	}
}

// deliver sends as many records as the call asks for.
func (r *reading) deliver(read records, filter *filter) error {
	left := r.options.GetCount()
	if left == 0 {
		return nil
	}
	for recorded, err := range read {
		if err != nil {
			return err
		}
		if filter != nil && !filter.matches(recorded) {
			continue
		}
		if err := r.deliverOne(recorded); err != nil {
			return err
		}
		if left--; left == 0 {
			return nil
		}
	}
	return nil
}

func (r *reading) deliverOne(recorded eventstore.Recorded) error {
	event, err := r.writer.event(recorded)
	if err != nil {
		return err
	}
	if err := r.send(event); err != nil {
		return err
	}
	r.metrics.events.Inc()
	return nil
}

// chunk is how many records of a stream are read at a time to be sent backwards.
const chunk = 256

// streamBackwards reads a stream from a revision, or from its end where that comes before, to its beginning.
func (r *reading) streamBackwards(stream string, from eventstore.Revision) records {
	return func(yield func(eventstore.Recorded, error) bool) {
		length, err := lengthOf(r.ctx, r.store, stream)
		if err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		for end := min(uint64(from), length-1) + 1; end > 0; {
			start := end - min(end, chunk)
			part := make([]eventstore.Recorded, 0, end-start)
			for recorded, err := range r.store.ReadStream(r.ctx, stream, eventstore.Revision(start)) {
				if err != nil {
					yield(eventstore.Recorded{}, err)
					return
				}
				if part = append(part, recorded); len(part) == cap(part) {
					break
				}
			}
			for _, recorded := range slices.Backward(part) {
				if !yield(recorded, nil) {
					return
				}
			}
			end = start
		}
	}
}

// lengthOf is how many records a stream has, which is at least one. It looks at as many of them as the number has binary
// digits, twice: the port tells where a stream ends by reading past it.
func lengthOf(ctx context.Context, store eventstore.Store, stream string) (uint64, error) {
	has := func(revision uint64) (bool, error) {
		for _, err := range store.ReadStream(ctx, stream, eventstore.Revision(revision)) {
			return err == nil, err
		}
		return false, nil
	}
	least, most := uint64(1), uint64(1) // least are there; of most it is not known
	for {
		more, err := has(most)
		if err != nil {
			return 0, err
		}
		if !more {
			break
		}
		least, most = most+1, 2*most
	}
	for least < most {
		middle := least + (most-least)/2
		more, err := has(middle)
		if err != nil {
			return 0, err
		}
		if more {
			least = middle + 1
		} else {
			most = middle
		}
	}
	return least, nil
}
