package ledger

import "time"

func (b *Book) decidePost(c *PostTransaction, at time.Time) ([]Event, *Rejection) {
	entries, refused := b.entriesOf(&c.Movement, false)
	if r := b.referable(c.Reference, refused); r != nil {
		return nil, r
	}
	var p posting // filled in place: it is large
	p.posted, p.preconditions, p.refused = entries, c.Preconditions, refused
	p.transaction.Reference, p.transaction.Description, p.transaction.Metadata = c.Reference, c.Description, c.Metadata
	p.wanted, p.reroute = c.EffectiveAt, c.Late
	return b.post(&p, at)
}

// posting is a deal that ends in a transaction.
type posting struct {
	deal

	transaction TransactionPosted
	wanted      time.Time // its effective time, zero for now
	reroute     Late
	// captured is the event that comes before the transaction of a capture.
	captured *HoldCaptured
}

// post judges a posting and gives all its events: it is the one way to a transaction.
func (b *Book) post(p *posting, at time.Time) ([]Event, *Rejection) {
	posted := &p.transaction
	posted.ID, posted.Entries = b.transactions+1, p.posted
	posted.EffectiveAt, posted.IntendedAt, p.late = b.effective(p.wanted, p.reroute, at)
	s, rejection := b.judge(&p.deal)
	if rejection != nil {
		return nil, rejection
	}
	events := b.openings(s)
	if p.captured != nil {
		events = append(events, *p.captured)
	}
	return b.assertionsAfter(append(events, *posted), posted), nil
}

// openings gives the events that open the accounts that are new, with room for one more event.
func (b *Book) openings(s *scratch) []Event {
	events := make([]Event, 0, len(s.newAccounts)+1)
	for _, a := range s.newAccounts {
		events = append(events, AccountOpened{Address: a.address, Type: b.matcher.rule(a.rule).Type, Implicit: true})
	}
	return events
}

// referable tests what comes first for everything that may have a reference: that there is a ledger, and that no
// other has the reference. Between the two comes that what moves has a fault of its shape which only the book shows.
func (b *Book) referable(reference string, refused *Rejection) *Rejection {
	if b.opened == nil {
		return ledgerNotFound()
	}
	if refused != nil && refused.Code == InvalidField {
		return refused
	}
	if reference == "" {
		return nil
	}
	if owner, exists := b.findReference(reference); exists {
		return referenceExists(reference, owner)
	}
	return nil
}
