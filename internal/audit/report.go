package audit

import (
	"cmp"
	"fmt"
	"time"
)

// Report is what a verification has found.
type Report struct {
	// Complete is false where something could not be read, and the report says what was found before.
	Complete bool `json:"complete"`
	// Events were verified, of Ledgers.
	Events  uint64   `json:"events"`
	Ledgers []Ledger `json:"ledgers"`
	// Findings are what is wrong, in the order of the log: the first of each ledger, and of the others no more than were asked
	// for. Found is how many there are.
	Findings []*Finding `json:"findings"`
	Found    int        `json:"found"`
	// Elapsed is in nanoseconds.
	Elapsed time.Duration `json:"elapsed_ns"`

	limit   int
	tallies map[string]*tally // by ledger
}

// tally is what was found of one ledger.
type tally struct {
	found int
	last  *Finding
}

func newReport(limit int) *Report {
	return &Report{Ledgers: []Ledger{}, Findings: []*Finding{}, limit: limit, tallies: map[string]*tally{}}
}

// Ledger is what a ledger came to.
type Ledger struct {
	Name   string `json:"ledger"`
	Events uint64 `json:"events"`
	// Found is how many findings are about it.
	Found int `json:"found"`
	// Revision is that of the last event, and Hash its hash, in hexadecimal digits: whoever keeps them can tell later that
	// nothing up to there has changed. Hash is empty where that event cannot be read.
	Revision uint64 `json:"revision"`
	Hash     string `json:"hash"`
	// Accounts and Transactions are those of the folded books; zero where these could not be folded to the end.
	Accounts     int    `json:"accounts"`
	Transactions uint64 `json:"transactions"`
	// ReadModels is what the comparison of balances came to.
	ReadModels Comparison `json:"read_models"`
}

// Comparison is what comparing a ledger with the read models came to.
type Comparison string

// What a comparison comes to. All but Equal and Differ, which is found at the same time, mean that balances were not
// compared: the read models have less than the log, or more (which is found too), or nothing of the ledger; the books could
// not be folded; or nobody asked.
const (
	Equal       Comparison = "equal"
	Differ      Comparison = "differ"
	Behind      Comparison = "behind"
	Ahead       Comparison = "ahead"
	None        Comparison = "none"
	Unfolded    Comparison = "unfolded"
	NotCompared Comparison = "not_compared"
)

// Finding is something that is wrong.
type Finding struct {
	// Ledger is empty where it cannot be told.
	Ledger string `json:"ledger,omitempty"`
	// Revision is where, and Through where it ends if that is somewhere else; both are nil for what is wrong with a ledger
	// as a whole.
	Revision *uint64 `json:"revision,omitempty"`
	Through  *uint64 `json:"through,omitempty"`
	Reason   string  `json:"reason"`
}

// String is the finding in one line.
func (f *Finding) String() string {
	switch {
	case f.Ledger == "":
		return f.Reason
	case f.Revision == nil:
		return fmt.Sprintf("ledger %s: %s", f.Ledger, f.Reason)
	case f.Through == nil:
		return fmt.Sprintf("ledger %s, revision %d: %s", f.Ledger, *f.Revision, f.Reason)
	default:
		return fmt.Sprintf("ledger %s, revisions %d to %d: %s", f.Ledger, *f.Revision, *f.Through, f.Reason)
	}
}

// PerSecond is how many events were verified in a second.
func (r *Report) PerSecond() float64 { return float64(r.Events) / r.Elapsed.Seconds() }

// found notes a finding. One that says the same as the last one of its ledger, of the same place or the next, is part of that.
func (r *Report) found(f *Finding) {
	of := r.tallies[f.Ledger]
	if of == nil {
		of = &tally{}
		r.tallies[f.Ledger] = of
	}
	if of.last != nil && of.last.absorbs(f) {
		return
	}
	of.found++
	of.last = f
	r.Found++
	if len(r.Findings) < r.limit || of.found == 1 {
		r.Findings = append(r.Findings, f)
	}
}

func (f *Finding) absorbs(next *Finding) bool {
	if f.Reason != next.Reason {
		return false
	}
	if f.Revision == nil || next.Revision == nil {
		return f.Revision == next.Revision
	}
	if last := cmp.Or(f.Through, f.Revision); *next.Revision != *last+1 {
		return false
	}
	f.Through = cmp.Or(next.Through, next.Revision)
	return true
}

// at is a finding about events from one revision to another.
func at(ledger string, from, through uint64, reason string) *Finding {
	f := &Finding{Ledger: ledger, Revision: &from, Reason: reason}
	if through > from {
		f.Through = &through
	}
	return f
}

// conclude says of each ledger what it came to.
func (r *Report) conclude(ledgers []Ledger) {
	for i := range ledgers {
		if of := r.tallies[ledgers[i].Name]; of != nil {
			ledgers[i].Found = of.found
		}
	}
	r.Ledgers = ledgers
}
