package envelope

import (
	"crypto/sha256"
	"encoding/binary"
)

// domain is the first item of the canonical bytes. Another list of items gets another domain.
const domain = "daybook event v1"

// sum is the hash of an event; the package comment gives the bytes that it covers.
func (e *Envelope) sum(place Place, data []byte) Hash {
	digest := sha256.Sum256(data)
	var stack [1024]byte // enough for nearly every event: nothing is allocated then
	return sha256.Sum256(e.appendCanonical(stack[:0], place, &digest))
}

func (e *Envelope) appendCanonical(dst []byte, place Place, digest *[32]byte) []byte {
	dst = append(dst, domain...)
	dst = appendText(dst, place.Stream)
	dst = binary.BigEndian.AppendUint64(dst, place.Revision)
	dst = appendText(dst, place.Type)
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.Schema))
	dst = append(dst, e.ID[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.RecordedAt.Unix()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(e.RecordedAt.Nanosecond()))
	dst = appendText(dst, e.Actor)
	dst = appendText(dst, e.Correlation)
	dst = appendText(dst, e.Causation)
	dst = appendText(dst, e.Key)
	dst = append(dst, e.Request[:]...)
	dst = append(dst, e.Previous[:]...)
	return append(dst, digest[:]...)
}

func appendText(dst []byte, text string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}
