package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// register is what a stream remembers of all its events besides the state: which idempotency keys were used up of late,
// and at which revision names were taken. What is new is in memory; when that is much, it is handed over to runs on the
// disk. Nothing of it is more than an index of the log.
type register struct {
	secret [8]byte // makes digests that nobody can foresee; of this register and its snapshots
	time   timeline

	// keys are those in memory, oldest first. All tables but the last are being handed over.
	keys []*keyTable
	// names are those taken since names were handed over last, which the state knows too.
	names []runs.Entry

	oldKeys, oldNames runSet
}

func newRegister() *register {
	r := &register{keys: []*keyTable{{}}}
	_, _ = rand.Read(r.secret[:]) // never fails
	return r
}

func (r *register) newest() *keyTable { return r.keys[len(r.keys)-1] }

// findNew looks for a key in memory.
func (r *register) findNew(digest keyDigest) (knownKey, bool) {
	for i := len(r.keys) - 1; i >= 0; i-- {
		if k, found := r.keys[i].find(digest); found {
			return k, true
		}
	}
	return knownKey{}, false
}

// use puts in a key that was used up, and before it the key of the request that it is a part of, if it is the first.
func (r *register) use(actor, key string, k knownKey) {
	if whole, _, part := strings.Cut(key, partMark); part {
		first := k
		first.digest = r.digestKey(actor, whole)
		if _, found := r.findNew(first.digest); !found {
			r.newest().add(first)
		}
	}
	r.newest().add(k)
}

// see puts in the key of an event that is read from the log. The events of one command follow one another.
func (r *register) see(e *envelope.Envelope, at eventstore.Revision) {
	k := knownKey{digest: r.digestKey(e.Actor, e.Key), request: short(e.Request), first: at, count: 1}
	t := r.newest()
	if n := len(t.entries); n > 0 {
		if last := &t.entries[n-1]; last.digest == k.digest && last.span().last+1 == at {
			last.count++
			return
		}
	}
	r.use(e.Actor, e.Key, k)
}

// pass tells the register the time, and has it forget what is older than the retention, or nearly.
func (r *register) pass(at time.Time, next eventstore.Revision, retention time.Duration) {
	const marks = 512
	r.time.pass(at, next, retention/marks)
	before := r.horizon(retention)
	for _, t := range r.keys {
		t.prune(before)
	}
}

// horizon is the revision from which on keys are known.
func (r *register) horizon(retention time.Duration) eventstore.Revision {
	return r.time.horizon(retention + longestStep)
}

// digestName stands for a name in a run.
func (r *register) digestName(name string) uint64 {
	var stack [256]byte
	b := append(stack[:0], r.secret[:]...)
	sum := sha256.Sum256(append(b, name...))
	return binary.BigEndian.Uint64(sum[:])
}

// registerMark is where a register ends, for rewind to return to. There is no pass and no hand-over in between.
type registerMark struct{ keys, names int }

func (r *register) mark() registerMark {
	return registerMark{len(r.newest().entries), len(r.names)}
}

func (r *register) rewind(m registerMark) {
	r.newest().rewind(m.keys)
	r.names = r.names[:m.names]
}

// close gives up what the register has of the disk.
func (r *register) close() {
	r.oldKeys.close()
	r.oldNames.close()
}
