package engine

import (
	"log/slog"
	"sync"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// stream is the engine of one stream. All fields but box belong to the goroutine of run.
type stream[S, C, E any] struct {
	*Engines[S, C, E]

	name string
	log  *slog.Logger
	box  mailbox[C, E]

	// What the stream comes to with everything that was decided, durable or not.
	loaded   bool
	state    S
	head     head
	register *register

	queue   []*job[C, E]   // taken from the mailbox, to be decided
	open    *batch[C, E]   // decided, waits for the append before it; nil for none
	halves  []*batch[C, E] // parts of a batch that was too large, to be appended before open
	writing *batch[C, E]   // being appended; nil for none
	toWrite chan *batch[C, E]
	written chan error     // the outcome of that append
	doubts  []*batch[C, E] // may or may not have been appended, all of them at the same place

	snapshots snapshotter
	runs      *runs.Dir // where the register hands over to; nil for nowhere
	scratch   []byte
	spare     []*job[C, E] // the memory of queue, to give to the mailbox when queue is empty
}

// head is where a stream ends.
type head struct {
	exists     bool // there is an event; all else is zero otherwise
	revision   eventstore.Revision
	hash       envelope.Hash
	recordedAt time.Time
}

// next is the revision of the event to come.
func (h head) next() eventstore.Revision {
	if !h.exists {
		return 0
	}
	return h.revision + 1
}

func newStream[S, C, E any](e *Engines[S, C, E], name string) *stream[S, C, E] {
	s := &stream[S, C, E]{
		Engines: e, name: name, log: e.options.Logger.With("stream", name),
		toWrite: make(chan *batch[C, E], 1), written: make(chan error, 1), register: newRegister(),
	}
	if e.options.Snapshots != nil {
		s.runs = e.options.Snapshots.Runs(name)
	}
	s.box.limit, s.box.total, s.box.wake = e.options.QueueLength, &e.metrics.waiting, make(chan struct{}, 1)
	return s
}

// run is the life of the engine. It returns when it was closed or has nothing to do, and everything it took is answered.
func (s *stream[S, C, E]) run() {
	var writer sync.WaitGroup
	writer.Go(s.write)
	defer writer.Wait()
	defer close(s.toWrite)
	defer s.unload()
	idle := time.NewTimer(s.options.IdleAfter)
	defer idle.Stop()
	for {
		s.decideWaiting()
		s.startAppend()
		switch {
		case s.writing != nil:
			s.waitForAppend()
		case len(s.queue) > 0 || len(s.halves) > 0 || s.open != nil:
			// The batch needed no append, or its append failed at once: there is more to do.
		case !s.rest(idle):
			return
		}
	}
}

// decideWaiting decides the units that wait, as far as the open batch has room for them.
func (s *stream[S, C, E]) decideWaiting() {
	if s.snapshots.distrusted {
		if s.writing != nil || s.open != nil || len(s.halves) > 0 {
			return // until all is appended that was decided
		}
		s.discard()
	}
	for !s.full() && !s.snapshots.distrusted {
		if len(s.queue) == 0 {
			s.queue = s.box.take(s.spare)
			s.spare = s.queue
			if len(s.queue) == 0 {
				return
			}
		}
		if !s.loaded {
			if err := s.load(); err != nil {
				s.failAll(err)
				return
			}
			continue // loading may have answered some
		}
		j := s.queue[0]
		s.queue = s.queue[1:]
		s.box.release(j)
		if err := j.ctx.Err(); err != nil {
			s.answer(j, Result[E]{}, err)
			continue
		}
		s.decide(j)
	}
}

// full tells whether what is decided must be appended before more is.
func (s *stream[S, C, E]) full() bool {
	if len(s.halves) > 0 {
		return true
	}
	return s.open != nil && (len(s.open.records) >= s.options.MaxBatchEvents || s.open.bytes >= s.options.MaxBatchBytes)
}

// startAppend starts the next append, unless one is under way.
func (s *stream[S, C, E]) startAppend() {
	if s.writing != nil {
		return
	}
	switch {
	case len(s.halves) > 0:
		s.writing, s.halves = s.halves[0], s.halves[1:]
	case s.open != nil:
		s.writing, s.open = s.open, nil
	default:
		return
	}
	b := s.writing
	if len(b.records) == 0 && !b.rejections {
		s.finish(nil)
		return
	}
	s.toWrite <- b
	if len(s.halves) == 0 && s.open == nil { // the state is what it will be after b
		s.snapshotOf(b)
	}
}

// waitForAppend waits until the append is finished, or until there is something to decide meanwhile.
func (s *stream[S, C, E]) waitForAppend() {
	more := s.box.wake
	if s.full() {
		more = nil
	}
	select {
	case err := <-s.written:
		s.finish(err)
	case <-more:
	}
}

// rest waits for something to do, and tells whether there is.
func (s *stream[S, C, E]) rest(idle *time.Timer) bool {
	if !s.loaded || !s.head.exists || s.box.isClosed() {
		s.saveLast()
		return !s.retire()
	}
	idle.Reset(s.options.IdleAfter)
	select {
	case <-s.box.wake:
		return true
	case <-s.snapshots.beingSaved():
		s.settle()
		return true
	case <-idle.C:
		return !s.saveIdle() || !s.retire()
	}
}

// retire ends the mailbox, unless something is in it, and tells whether it did. From then on another engine may take over
// the stream, and its files: nothing is done to them here any more.
func (s *stream[S, C, E]) retire() bool {
	s.stopMerging()
	return s.box.retire()
}
