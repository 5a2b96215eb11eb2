package forward

import (
	"encoding/binary"
	"errors"
)

// kind is what a message is.
type kind byte

const (
	opening kind = iota + 1 // the first part of a request
	part                    // a further part of a request, or any of an answer
	used                    // the receiver has used up the part with this number, and all before it
	present                 // the sender is still there
	refused                 // the receiver does not own the ledger, or takes nothing any more; it has done nothing
	unknown                 // the receiver knows of no such exchange
	broken                  // the sender gives the exchange up

	last kind = 0x80 // added to a part that is the last one
)

// frame is a message between two nodes.
type frame struct {
	kind kind
	// number is that of a part of one direction, from 0.
	number uint64
	// last: no part follows.
	last bool
	data []byte
}

// frameOverhead is the most that a frame is longer than its data.
const frameOverhead = 1 + binary.MaxVarintLen64

func (f frame) encode() []byte {
	b := make([]byte, 0, frameOverhead+len(f.data))
	k := f.kind
	if f.last {
		k |= last
	}
	b = append(b, byte(k))
	b = binary.AppendUvarint(b, f.number)
	return append(b, f.data...)
}

var errFrame = errors.New("a message from another node cannot be read")

// decode reads a frame, whose data are the message's.
func decode(message []byte) (frame, error) {
	if len(message) == 0 {
		return frame{}, errFrame
	}
	f := frame{kind: kind(message[0]) &^ last, last: kind(message[0])&last != 0}
	number, length := binary.Uvarint(message[1:])
	if length <= 0 || f.kind < opening || f.kind > broken {
		return frame{}, errFrame
	}
	f.number, f.data = number, message[1+length:]
	return f, nil
}
