// Package ledgername says which names ledgers can have, and which stream of the event store is whose. The event store
// itself knows no ledgers; commands, the relay, projections and queries all name streams by way of this package.
package ledgername

import "strings"

// The longest name, in bytes, and what the names of ledgers' streams begin with.
const (
	longest = 63
	prefix  = "ledger-"
)

// Fits tells whether a ledger could have the name: ^[a-z0-9][a-z0-9-]{0,62}$. The domain decides the same of the command
// that opens a ledger; this is for those who need not make a command to know that there is no such ledger.
func Fits(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && (c != '-' || i == 0) {
			return false
		}
	}
	return name != "" && len(name) <= longest
}

// Stream is the stream of a ledger.
func Stream(ledger string) string { return prefix + ledger }

// Of is the ledger that a stream belongs to; ok is false for streams of something else.
func Of(stream string) (ledger string, ok bool) { return strings.CutPrefix(stream, prefix) }
