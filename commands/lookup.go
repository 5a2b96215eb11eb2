package commands

import (
	"context"
	"fmt"
	"math"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
)

// lookup finds transactions of one ledger in its log. It serves one request, and learns from one search for the next.
//
// There is no index: transactions are numbered in the order of the log, one event each, so that a transaction with number
// n+d stands at least d events after that with number n. The search keeps a first and a last revision between which the
// transaction has to be, probes in between where it would be if events were spread evenly, and at every other step in the
// middle. A probe reads on to the next transaction that there is. That makes O(log n) probes of the store, usually two or
// three; and no event is read over twice by the reading on, whatever stands between transactions.
//
// Events that are appended meanwhile come after everything that was seen, so that they change no bound: what is found is
// right, and what is not found was not there when the last probe looked.
type lookup struct {
	history

	name  string
	known place // a transaction that was found, and where
	// most is the number that no transaction exceeded when one was last looked for in vain.
	most uint64
}

// place is where a transaction stands. The zero place is before all of them: no transaction is at revision 0.
type place struct {
	id       uint64
	revision eventstore.Revision
}

// maxID is more than any ledger comes to, and a revision that every store takes.
const maxID = math.MaxInt64 / 4

// find gives a transaction, if there is one with that number.
func (l *lookup) find(ctx context.Context, id uint64) (posted ledger.TransactionPosted, found bool, err error) {
	if id == 0 || id > maxID {
		l.most = 0
		return posted, false, nil
	}
	var before place
	if l.known.id <= id {
		before = l.known
	}
	s := search{id: id, before: before, end: math.MaxInt64}
	for s.first() < s.end {
		at := s.probe()
		next, e, err := l.next(ctx, at, s.end)
		switch {
		case err != nil:
			return posted, false, err
		case next.id == id:
			l.known = next
			return e, true, nil
		case next.id == 0:
			s.end = at
		case next.id > id:
			s.end, s.after = at, next
		default:
			s.before = next
		}
	}
	l.most = s.before.id + uint64(s.end-s.before.revision-1)
	l.known = s.before
	return posted, false, nil
}

// next reads on from a revision to the first transaction before an end.
func (l *lookup) next(ctx context.Context, from, end eventstore.Revision) (at place, posted ledger.TransactionPosted, err error) {
	err = l.scan(ctx, l.name, from, func(recorded *eventstore.Recorded) (bool, error) {
		if recorded.Revision >= end {
			return false, nil
		}
		if recorded.Type != nameTransactionPosted {
			return true, nil
		}
		e, err := unseal(*recorded)
		if err != nil {
			return false, err
		}
		var ok bool
		if posted, ok = e.Event.(ledger.TransactionPosted); !ok {
			return false, fmt.Errorf("%w: event %d is a %T", eventstore.ErrCorrupt, e.Revision, e.Event)
		}
		at = place{id: posted.ID, revision: e.Revision}
		return false, nil
	})
	return at, posted, err
}

// search is where a transaction can still be: at first() or after it, and before end.
type search struct {
	id     uint64
	before place               // the nearest transaction before it that is known
	after  place               // the nearest one after it, zero for none
	end    eventstore.Revision // MaxInt64 while it is not known where the log ends
	steps  uint
}

// first is where the transaction is if nothing stands between it and the one before it but transactions.
func (s *search) first() eventstore.Revision {
	return s.before.revision + eventstore.Revision(s.id-s.before.id)
}

// probe chooses where to look.
func (s *search) probe() eventstore.Revision {
	first := s.first()
	s.steps++
	switch {
	case s.steps == 1:
		return first
	case s.end == math.MaxInt64: // go further each time, until the end is passed
		return min(first+1<<min(s.steps, 40), maxID*2)
	case s.steps%2 == 0 && s.after.id != 0:
		ids, events := float64(s.after.id-s.before.id), float64(s.after.revision-s.before.revision)
		guess := s.before.revision + eventstore.Revision(float64(s.id-s.before.id)*events/ids)
		return max(first, min(guess, s.end-1))
	default:
		return first + (s.end-first)/2
	}
}
