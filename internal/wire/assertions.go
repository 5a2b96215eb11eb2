package wire

import (
	"strconv"
	"time"
)

// The statuses of an assertion.
const (
	AssertionEvaluating = "evaluating"
	AssertionHolds      = "holds"
	AssertionBroken     = "broken"
)

// Assertion states what the balance of the accounts that a pattern matches has to be, and whether it is.
//
// Account is the pattern; At is null where no entry is left out. Balance is what it was when the status last changed, null
// before the first evaluation; BrokenBy the transaction that broke it. Revision is that of the event that declared it.
type Assertion struct {
	ID         uint64     `json:"id"`
	Account    string     `json:"account"`
	Asset      string     `json:"asset"`
	At         *time.Time `json:"at"`
	Equals     *string    `json:"equals"`
	GTE        *string    `json:"gte"`
	LTE        *string    `json:"lte"`
	Status     string     `json:"status"`
	Balance    *string    `json:"balance"`
	BrokenBy   *uint64    `json:"broken_by"`
	DeclaredAt time.Time  `json:"declared_at"`
	ChangedAt  time.Time  `json:"changed_at"`
	Actor      string     `json:"actor"`
	Revision   uint64     `json:"revision"`
}

// AppendJSON writes the assertion.
func (a *Assertion) AppendJSON(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendUint(b, a.ID, 10)
	b = append(b, `,"account":`...)
	b = AppendString(b, a.Account)
	b = append(b, `,"asset":`...)
	b = AppendString(b, a.Asset)
	b = append(b, `,"at":`...)
	b = appendOptionalTime(b, a.At)
	b = append(b, `,"equals":`...)
	b = appendOptional(b, a.Equals)
	b = append(b, `,"gte":`...)
	b = appendOptional(b, a.GTE)
	b = append(b, `,"lte":`...)
	b = appendOptional(b, a.LTE)
	b = append(b, `,"status":`...)
	b = AppendString(b, a.Status)
	b = append(b, `,"balance":`...)
	b = appendOptional(b, a.Balance)
	b = append(b, `,"broken_by":`...)
	b = appendNumber(b, a.BrokenBy)
	b = append(b, `,"declared_at":`...)
	b = appendTime(b, a.DeclaredAt)
	b = append(b, `,"changed_at":`...)
	b = appendTime(b, a.ChangedAt)
	b = append(b, `,"actor":`...)
	b = AppendString(b, a.Actor)
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, a.Revision, 10)
	return append(b, '}')
}
