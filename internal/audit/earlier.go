package audit

import (
	"encoding/hex"
	"maps"
	"slices"

	"github.com/daybook-ledger/daybook/internal/envelope"
)

// rememberEarlier notes what the log had, of the ledgers that are verified.
func (v *verifier) rememberEarlier() {
	v.earlier = map[string]*Ledger{}
	for i := range v.options.Earlier {
		l := &v.options.Earlier[i]
		if v.options.Ledger == "" || v.options.Ledger == l.Name {
			v.earlier[l.Name] = l
		}
	}
}

// isAsEarlier tells whether an event has the hash that an earlier report has of it, if that has one. The hash stands for all
// events before it too.
func (t *trail) isAsEarlier(revision uint64, hash envelope.Hash) bool {
	return t.earlier == nil || revision != t.earlier.Revision || t.earlier.Hash == "" || hex.EncodeToString(hash[:]) == t.earlier.Hash
}

// missEarlier finds what the log has lost since an earlier report.
func (v *verifier) missEarlier() {
	for _, name := range slices.Sorted(maps.Keys(v.earlier)) {
		next := uint64(0)
		if t := v.trails[name]; t != nil {
			next = t.next
		}
		if l := v.earlier[name]; next <= l.Revision {
			v.report.found(at(name, next, l.Revision, "an earlier report has it, and the log does not"))
		}
	}
}
