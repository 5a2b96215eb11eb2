package ledger

import (
	"fmt"
	"math/big"
)

// MaxAssertions is how many assertions a ledger may have: each is looked at with every transaction in its asset.
const MaxAssertions = 1000

// AssertionStatus tells whether an assertion holds.
type AssertionStatus string

// An assertion is evaluating until what came before it has been summed up; then it holds, or it is broken.
const (
	Evaluating AssertionStatus = "evaluating"
	Holds      AssertionStatus = "holds"
	Broken     AssertionStatus = "broken"
)

// Assertion is an assertion as it stands in a book.
type Assertion struct {
	AssertionDeclared

	Status AssertionStatus
	// Balance and Sums are those of now. While Status is Evaluating they have only what came after the declaration.
	Balance *big.Int
	Sums    AssertionSums
}

// Assertion gives an assertion by its number, if there is one.
func (b *Book) Assertion(id uint64) (Assertion, bool) {
	if id == 0 || id > uint64(len(b.assertions.all)) {
		return Assertion{}, false
	}
	a := &b.assertions.all[id-1]
	return Assertion{
		AssertionDeclared: a.AssertionDeclared, Status: a.status, Balance: a.tally.balance().big(), Sums: a.tally.sums(),
	}, true
}

func (b *Book) decideDeclareAssertion(c DeclareAssertion) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if len(b.assertions.all) >= MaxAssertions {
		return nil, &Rejection{
			Code:   InvalidField,
			Detail: fmt.Sprintf("the ledger has %d assertions, and can have no more", MaxAssertions),
		}
	}
	event := AssertionDeclared{
		ID: uint64(len(b.assertions.all)) + 1, Pattern: c.Pattern, Asset: c.Asset, At: c.At, Bounds: c.Bounds,
	}
	if !event.At.IsZero() {
		event.At = event.At.Round(0).UTC()
	}
	return []Event{event}, nil
}

// decideEvaluateAssertion completes the sums that the book has counted since the declaration. What was evaluated stays
// as it is: whoever asks again, after a crash, need not know how far it came.
func (b *Book) decideEvaluateAssertion(c EvaluateAssertion) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if c.ID == 0 || c.ID > uint64(len(b.assertions.all)) {
		detail := fmt.Sprintf("the ledger has no assertion %d", c.ID)
		return nil, &Rejection{Code: InvalidField, Detail: "/id: " + detail, Fields: []Field{{"/id", detail}}}
	}
	a := &b.assertions.all[c.ID-1]
	if a.status != Evaluating {
		return nil, nil
	}
	sums, _ := tallyOf(c.Before) // Validate has tested them
	sums.addAll(&a.tally)
	return []Event{a.verdict(&sums, 0)}, nil
}

// verdict is the event that tells what the sums mean for the assertion.
func (a *assertion) verdict(sums *tally, transaction uint64) Event {
	balance := sums.balance()
	told := AssertionHeld{ID: a.ID, Transaction: transaction, Balance: balance.big(), Sums: sums.sums()}
	if a.Bounds.within(balance) {
		return told
	}
	return AssertionBroken(told)
}

func (f *faults) declareAssertion(c DeclareAssertion) {
	if c.Pattern == "" {
		f.addf("/account", "want a pattern of addresses")
	}
	if c.Asset == "" {
		f.addf("/asset", "want an asset")
	}
	f.time("/at", c.At)
	switch b := c.Bounds; {
	case b.EQ == nil && b.GTE == nil && b.LTE == nil:
		f.addf("/equals", "want equals, or gte, lte or both")
	case b.EQ != nil && (b.GTE != nil || b.LTE != nil):
		f.addf("/equals", "give either equals, or gte and lte")
	case b.GTE != nil && b.LTE != nil && b.GTE.Cmp(*b.LTE) > 0:
		f.addf("/gte", "want no more than lte")
	}
}

func (f *faults) evaluateAssertion(c EvaluateAssertion) {
	if _, ok := tallyOf(c.Before); !ok {
		f.addf("/before", "want sums from 0 to 2^%d", maxWideBits)
	}
}
