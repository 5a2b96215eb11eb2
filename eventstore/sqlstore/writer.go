package sqlstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

const (
	// What one transaction takes at most. More would make all wait longer without saving many more syncs.
	maxBatchAppends = 1024
	maxBatchBytes   = 16 << 20
	// settleEvery is how often the writer tries again to find out what became of a commit.
	settleEvery = 500 * time.Millisecond
)

// writer is the state of the goroutine that writes.
type writer struct {
	*Store

	session *session // nil after an error, until the next is opened
	keeper  *walkeeper.Keeper
	failing bool // whether the last transaction failed
}

// write runs until the store is closed and every request that got in has its answer.
func (s *Store) write(session *session, keeper *walkeeper.Keeper) {
	w := &writer{Store: s, session: session, keeper: keeper}
	defer w.end()
	retry := time.NewTicker(settleEvery)
	defer retry.Stop()
	for {
		select {
		case <-s.queue.ready:
		case <-retry.C:
			if s.unsettled.Load() {
				w.settle()
			}
		}
		for {
			batch, closed := s.queue.take(maxBatchAppends, maxBatchBytes)
			if closed {
				return
			}
			if len(batch) == 0 {
				break
			}
			w.execute(batch)
		}
	}
}

// end closes the connections, those of readers first: the one that closes last copies the write-ahead log into the file.
func (w *writer) end() {
	w.alive.Lock()
	if err := w.readers.Close(); err != nil {
		w.log.Warn("close the reading connections", "error", err)
	}
	w.alive.Unlock()
	if err := w.keeper.Close(); err != nil {
		w.log.Warn("close the keeper of the write-ahead log", "error", err)
	}
	w.session.close()
}

// execute carries a batch out in one transaction and answers each of its requests.
func (w *writer) execute(batch []*request) {
	start := time.Now()
	answers, err := w.transact(batch)
	switch {
	case err == nil:
		if w.failing {
			w.log.Info("the event store can be written again")
		}
		for _, r := range batch {
			w.tail.add(r.stored)
		}
		w.changed.Ring()
		w.metrics.observe(batch, answers, time.Since(start))
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		w.log.Error("commit to the event store", "appends", len(batch), "error", err)
		w.unsettled.Store(true)
		w.settle() // before the answers, so that a read that follows tells what is there
	case !w.failing: // told once, not for each of many that are refused
		w.log.Error("write to the event store", "appends", len(batch), "error", err)
	}
	w.failing = err != nil
	for i, r := range batch {
		if err != nil {
			// Conflicts too: what they conflicted with may have been another request of this very transaction.
			r.answer(eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", r.stream, err))
			continue
		}
		r.answer(answers[i].appended, answers[i].conflict())
	}
	if err != nil {
		w.metrics.Failed(len(batch), err)
		return
	}
	if err := w.keeper.Committed(w.session.conn); err != nil {
		w.log.Warn("keep the write-ahead log short", "error", err)
	}
}

// answer is what one request of a transaction comes to, if that is committed.
type answer struct {
	appended eventstore.Appended
	refused  *eventstore.ConflictError
}

func (a answer) conflict() error {
	if a.refused == nil {
		return nil // and not a nil pointer in an error
	}
	return a.refused
}

// transact writes what does not conflict, all or none. Its error is ErrOutcomeUnknown where the commit failed; after
// any other nothing was written.
func (w *writer) transact(batch []*request) (answers []answer, err error) {
	if err := w.ready(); err != nil {
		return nil, err
	}
	if before := w.hook().transaction; before != nil {
		before(w.session)
	}
	if err := w.session.begin(); err != nil {
		return nil, w.abandon(err)
	}
	answers = make([]answer, len(batch))
	written := false
	for i, r := range batch {
		answers[i].appended, answers[i].refused, err = w.session.append(r)
		if err != nil {
			return nil, w.abandon(err)
		}
		written = written || answers[i].refused == nil
	}
	if !written {
		if err := w.session.rollback(); err != nil {
			return nil, w.abandon(err)
		}
		return answers, nil
	}
	commit := (*session).commit
	if instead := w.hook().commit; instead != nil {
		commit = instead
	}
	if err := commit(w.session); err != nil {
		return nil, fmt.Errorf("%w: commit: %w", eventstore.ErrOutcomeUnknown, err)
	}
	return answers, nil
}

// ready makes sure that there is a session to write with, and nothing unsettled.
func (w *writer) ready() error {
	if w.unsettled.Load() && !w.settle() {
		return fmt.Errorf("%w: the outcome of an earlier commit is not settled", eventstore.ErrUnavailable)
	}
	if w.session == nil {
		session, err := openSession(always, w.path)
		if err != nil {
			return err
		}
		w.session = session
	}
	return nil
}

// abandon undoes a transaction that failed before its commit. Closing the connection does so whatever state it is in, and
// forgets with it what the session believed of the streams.
func (w *writer) abandon(cause error) error {
	w.session.close()
	w.session = nil
	return classify(cause)
}
