package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// partMark stands in a key before the number of a part. Keys of callers do not have it.
const partMark = " #"

// PartKey is the key of one part of a request that has a key of its own. Using it up uses up the request's key too.
func PartKey(key string, part int) string { return key + partMark + strconv.Itoa(part) }

// keyDigest stands for an idempotency key of one actor.
type keyDigest [16]byte

// digestKey is the first half of the SHA-256 of a secret, the actor's length, the actor and the key. Nobody who does not
// know the secret can choose keys whose digests meet, and by chance two of 128 bits never do.
func (r *register) digestKey(actor, key string) keyDigest {
	var stack [256]byte
	b := append(stack[:0], r.secret[:]...)
	b = binary.AppendUvarint(b, uint64(len(actor)))
	b = append(b, actor...)
	b = append(b, key...)
	return short(sha256.Sum256(b))
}

func short(h envelope.Hash) [16]byte { return [16]byte(h[:16]) }

// knownKey is a key that was used up, and where the events are that it caused.
type knownKey struct {
	digest  keyDigest
	request [16]byte
	first   eventstore.Revision
	count   uint32 // of events, which follow one another; at least 1
}

func (k knownKey) is(request envelope.Hash) bool { return k.request == short(request) }

func (k knownKey) span() span {
	return span{first: k.first, last: k.first + eventstore.Revision(k.count) - 1}
}

// span is a range of revisions, both ends included.
type span struct{ first, last eventstore.Revision }

// keyTable has keys in memory in the order of their revisions: so old ones are dropped from its front without a search.
type keyTable struct {
	entries []knownKey
	dropped uint64               // how many entries there were before entries[0]
	index   map[keyDigest]uint64 // how many entries there were before the key's
}

func (t *keyTable) find(digest keyDigest) (knownKey, bool) {
	i, found := t.index[digest]
	if !found {
		return knownKey{}, false
	}
	return t.entries[i-t.dropped], true
}

// add puts a key in, which is not there unless it was forgotten.
func (t *keyTable) add(k knownKey) {
	if t.index == nil {
		t.index = map[keyDigest]uint64{}
	}
	t.index[k.digest] = t.dropped + uint64(len(t.entries))
	t.entries = append(t.entries, k)
}

// prune drops the keys from before a revision.
func (t *keyTable) prune(before eventstore.Revision) {
	for len(t.entries) > 0 && t.entries[0].first < before {
		t.remove(0)
		t.entries = t.entries[1:]
		t.dropped++
	}
}

func (t *keyTable) rewind(mark int) {
	for i := mark; i < len(t.entries); i++ {
		t.remove(i)
	}
	t.entries = t.entries[:mark]
}

// remove takes an entry out of the index, unless a newer one has the same key.
func (t *keyTable) remove(i int) {
	if digest := t.entries[i].digest; t.index[digest] == t.dropped+uint64(i) {
		delete(t.index, digest)
	}
}
