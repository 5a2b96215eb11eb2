package audit

import (
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// trail is one ledger as far as it was followed.
type trail struct {
	ledger string
	events uint64
	next   uint64 // the revision that comes next

	// hash is that of the last event; where the chain is broken off it is not known.
	hash      envelope.Hash
	hashKnown bool
	// earlier is what an earlier report has of the ledger, if it has.
	earlier *Ledger
	// recordedAt is when the last event was recorded.
	recordedAt time.Time

	// book is what the events come to, as long as folding: until one is missing, cannot be read, or cannot follow.
	book    *ledger.Book
	folding bool
	// forced are the accounts that a transaction moved which did not have to respect limits.
	forced map[address.Address]bool

	compared Comparison
}

func (t *trail) summary() Ledger {
	l := Ledger{Name: t.ledger, Events: t.events, Revision: max(t.next, 1) - 1, ReadModels: t.compared}
	if t.hashKnown {
		l.Hash = hex.EncodeToString(t.hash[:])
	}
	if t.folding {
		l.Accounts, l.Transactions = t.book.Accounts(), t.book.Transactions()
	}
	return l
}

// take follows the events of a batch.
func (v *verifier) take(b *batch) {
	for i := range b.chunks {
		chunk, p := &b.chunks[i], &b.parts[i]
		v.after = chunk.Last
		name, ours := ledgername.Of(chunk.Stream)
		if !ours {
			v.notOurs(chunk.Stream, p.fault)
			continue
		}
		last := uint64(math.MaxUint64)
		if v.until != nil {
			var wanted bool
			if last, wanted = v.until[name]; !wanted || uint64(chunk.First) > last {
				continue // it came later than what is compared
			}
		}
		v.chunk(v.trailOf(name), chunk, p.fault, b.events[p.from:p.to], last)
	}
	if v.options.Progress != nil {
		v.options.Progress(v.report.Events)
	}
}

// notOurs finds fault with what is of no ledger: Daybook writes nothing else, so a stream of another name is one that was
// renamed, or is not Daybook's.
func (v *verifier) notOurs(stream string, fault error) {
	if fault != nil {
		v.report.found(&Finding{Reason: fault.Error()})
	}
	if stream != "" {
		v.report.found(&Finding{Reason: fmt.Sprintf("the stream %q is no ledger's", stream)})
	}
}

// chunk follows the events of a chunk up to a revision.
func (v *verifier) chunk(t *trail, chunk *eventstore.Chunk, fault error, events []checked, last uint64) {
	if fault != nil {
		first := uint64(chunk.First)
		v.report.found(at(t.ledger, first, first+uint64(max(chunk.Count, 1))-1, fault.Error()))
	}
	for i := range events {
		if events[i].revision > last {
			return
		}
		v.event(t, &events[i])
	}
}

func (v *verifier) trailOf(name string) *trail {
	if v.latest != nil && v.latest.ledger == name {
		return v.latest
	}
	t := v.trails[name]
	if t == nil {
		t = &trail{ledger: name, hashKnown: true, folding: true, book: ledger.NewBook(), compared: NotCompared, earlier: v.earlier[name]}
		v.trails[name] = t
	}
	v.latest = t
	return t
}

const (
	faultMissing  = "missing"
	faultPlace    = "it stands behind one that follows it, or is there twice"
	faultChain    = "it does not continue the chain: it, or the event before it, is not the one that was written"
	faultRecorded = "it was recorded before the event that precedes it"
	faultEarlier  = "it does not have the hash that an earlier report has: it, or one before it, was written anew"
	faultName     = "it opens a ledger of another name"
)

// event follows one event.
func (v *verifier) event(t *trail, e *checked) {
	v.report.Events++
	t.events++
	wrong := func(reason string) { v.report.found(at(t.ledger, e.revision, e.revision, reason)) }
	for _, fault := range e.faults {
		wrong(fault)
	}
	switch {
	case e.revision < t.next:
		wrong(faultPlace)
		return
	case e.revision > t.next:
		v.report.found(at(t.ledger, t.next, e.revision-1, faultMissing))
		t.hashKnown, t.folding = false, false
	}
	t.next = e.revision + 1
	if !e.sealed {
		t.hashKnown, t.folding = false, false
		return
	}
	if t.hashKnown && e.previous != t.hash {
		wrong(faultChain)
	}
	if !t.isAsEarlier(e.revision, e.hash) {
		wrong(faultEarlier)
	}
	if e.recordedAt.Before(t.recordedAt) {
		wrong(faultRecorded)
	}
	t.hash, t.hashKnown, t.recordedAt = e.hash, true, e.recordedAt
	if err := t.fold(e.event); err != nil {
		wrong(err.Error())
	}
}

// fold evolves the book. An event that could not be decoded ends that without another word.
func (t *trail) fold(event ledger.Event) error {
	switch e := event.(type) {
	case nil:
		t.folding = false
	case ledger.LedgerOpened:
		if e.Name != t.ledger {
			t.folding = false
			return fmt.Errorf("%s: %q", faultName, e.Name) //nolint:err113 // for people
		}
	case ledger.TransactionPosted:
		if e.Forced {
			t.noteForced(&e)
		}
	}
	if !t.folding {
		return nil
	}
	if err := ledger.Evolve(t.book, event); err != nil {
		t.folding = false
		return fmt.Errorf("it cannot follow the events before: %w", err)
	}
	return nil
}

func (t *trail) noteForced(e *ledger.TransactionPosted) {
	if t.forced == nil {
		t.forced = map[address.Address]bool{}
	}
	for i := range e.Entries {
		t.forced[address.Address(string([]byte(e.Entries[i].Account)))] = true // and not the memory of the whole event
	}
}
