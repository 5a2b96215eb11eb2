package esdbserver

import (
	"errors"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/daybook-ledger/daybook/eventstore"
)

// confirm tells the client that it is subscribed.
func (r *reading) confirm() error {
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

func (r *reading) caughtUp() error {
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

// end is the position of the log's last record.
func (r *reading) end() (eventstore.Position, error) {
	for recorded, err := range r.store.ReadAllBackwards(r.ctx, eventstore.End) {
		return recorded.Position, err
	}
	return eventstore.Start, nil
}

// subscribeToAll sends the log after a position, says when that is all there is, and goes on with what is appended. A
// filtered one is told now and then how far the log was looked through.
func (r *reading) subscribeToAll(from *streams.ReadReq_Options_AllOptions, filter *filter) error {
	at, err := backwards(from)
	if err == nil && at == eventstore.End {
		at, err = r.end()
	}
	if err != nil {
		return err
	}
	r.metrics.subscriptions.Inc()
	defer r.metrics.subscriptions.Dec()
	if err := r.confirm(); err != nil {
		return err
	}
	f := follower{reading: r, filter: filter, at: at}
	if err := f.follow(r.store.ReadAll(r.ctx, f.at)); err != nil {
		return err
	}
	if filter != nil && f.looked > 0 {
		if err := r.checkpoint(f.at); err != nil {
			return err
		}
	}
	if err := r.caughtUp(); err != nil {
		return err
	}
	return f.follow(r.store.Subscribe(r.ctx, f.at))
}

// follower is how far a subscription to $all is.
type follower struct {
	*reading

	filter *filter
	at     eventstore.Position
	looked uint64 // records that it went over
}

func (f *follower) follow(read records) error {
	for recorded, err := range read {
		if err != nil {
			return err
		}
		f.at = recorded.Position
		f.looked++
		if f.filter == nil || f.filter.matches(recorded) {
			if err := f.deliverOne(recorded); err != nil {
				return err
			}
		}
		if f.filter != nil && f.looked%f.filter.checkpointEvery == 0 {
			if err := f.checkpoint(f.at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) checkpoint(at eventstore.Position) error {
	commit, err := commitPosition(at)
	if err != nil {
		return err
	}
	return r.send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: commit, PreparePosition: commit},
	}})
}

// subscribeToStream sends the records of a stream after a revision, says when these are all there are, and goes on with
// what is appended. The stream need not exist yet.
func (r *reading) subscribeToStream(from *streams.ReadReq_Options_StreamOptions) error {
	name := string(from.GetStreamIdentifier().GetStreamName())
	next, err := nextRevision(from)
	if err != nil {
		return err
	}
	end, err := r.end() // before the stream is read: what comes later is found by following the log from here
	if err != nil {
		return err
	}
	r.metrics.subscriptions.Inc()
	defer r.metrics.subscriptions.Dec()
	if err := r.confirm(); err != nil {
		return err
	}
	live := next == endOfStream
	for recorded, err := range r.store.ReadStream(r.ctx, name, next) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		}
		if err != nil {
			return err
		}
		if err := r.deliverOne(recorded); err != nil {
			return err
		}
		next = recorded.Revision + 1
	}
	if err := r.caughtUp(); err != nil {
		return err
	}
	for recorded, err := range r.store.Subscribe(r.ctx, end) {
		if err != nil {
			return err
		}
		if recorded.Stream != name || recorded.Revision < next && !live {
			continue
		}
		if err := r.deliverOne(recorded); err != nil {
			return err
		}
	}
	return nil
}

// nextRevision is the first revision that a subscription shows: not the one that it gives.
func nextRevision(from *streams.ReadReq_Options_StreamOptions) (eventstore.Revision, error) {
	revision, err := revisionOf(from)
	if _, ok := from.GetRevisionOption().(*streams.ReadReq_Options_StreamOptions_Revision); ok && revision < endOfStream {
		revision++
	}
	return revision, err
}
