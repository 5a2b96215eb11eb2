package audit

import (
	"errors"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// part is what a chunk turned out to be.
type part struct {
	fault    error // what is wrong with the chunk as a whole
	from, to int   // its events among those of the batch
}

// checked is an event and what can be said of it without those before it.
type checked struct {
	revision uint64
	// sealed is false where there is no telling what the envelope says; what comes from it is zero then.
	sealed         bool
	previous, hash envelope.Hash
	recordedAt     time.Time
	// event is nil where the data are none.
	event ledger.Event
	// faults are what is wrong with it.
	faults []string
}

// checker checks events by themselves. It belongs to one goroutine.
type checker struct{ envelope envelope.Envelope }

// check opens the chunks of a batch and checks each event in them.
func (c *checker) check(b *batch) {
	b.parts, b.events = b.parts[:0], b.events[:0]
	for i := range b.chunks {
		p := part{from: len(b.events)}
		b.records, p.fault = b.chunks[i].Open(b.records[:0])
		if _, ours := ledgername.Of(b.chunks[i].Stream); ours {
			for j := range b.records {
				b.events = append(b.events, c.event(&b.records[j]))
			}
		}
		p.to = len(b.events)
		b.parts = append(b.parts, p)
	}
}

const (
	faultHash = "its hash does not cover it as it is"
	faultID   = "the store has it under another id than its own"
)

func (c *checker) event(r *eventstore.Recorded) checked {
	is := checked{revision: uint64(r.Revision)}
	if err := c.envelope.Read(r.Metadata); err != nil {
		is.faults = append(is.faults, "its metadata: "+err.Error())
		return is
	}
	e := &c.envelope
	is.sealed, is.previous, is.hash, is.recordedAt = true, e.Previous, e.Hash, e.RecordedAt
	place := envelope.Place{Stream: r.Stream, Revision: is.revision, Type: r.Type}
	if errors.Is(e.Verify(place, r.Data), envelope.ErrHash) {
		is.faults = append(is.faults, faultHash)
	}
	if eventstore.ID(e.ID) != r.ID {
		is.faults = append(is.faults, faultID)
	}
	var err error
	if is.event, err = ledger.Decode(r.Type, e.Schema, r.Data); err != nil {
		is.faults = append(is.faults, "its data: "+err.Error())
	}
	return is
}
