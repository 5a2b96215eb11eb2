package stream

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// An event's NATS message has its id in [HeaderID], its ledger and type in the subject, and this payload:
//
//	{"revision":7,"position":"81/3","size":195,"data":{…},"envelope":{…}}
//
// It is JSON to anybody. Here it is composed and cut apart as bytes, for which size, the length of data in bytes, is
// there: the data are hashed as they are, and parsing would cost more than all the rest. So would headers, which client
// and server look through several times each.
const (
	wireRevision = `{"revision":`
	wirePosition = `,"position":"`
	wireSize     = `","size":`
	wireData     = `,"data":`
	wireEnvelope = `,"envelope":`
	wireEnd      = `}`
)

// appendPayload appends the payload of an event's message.
func appendPayload(b []byte, e *Event) []byte {
	b = append(b, wireRevision...)
	b = strconv.AppendUint(b, e.Revision, 10)
	b = append(b, wirePosition...)
	b = append(b, e.Position...)
	b = append(b, wireSize...)
	b = strconv.AppendInt(b, int64(len(e.Data)), 10)
	b = append(b, wireData...)
	b = append(b, e.Data...)
	b = append(b, wireEnvelope...)
	b = append(b, e.Metadata...)
	return append(b, wireEnd...)
}

// parsePayload reads what appendPayload wrote. The event's data and metadata share the payload's memory.
func parsePayload(b []byte, e *Event) bool {
	w := wire{rest: b}
	w.skip(wireRevision)
	e.Revision = w.number()
	w.skip(wirePosition)
	e.Position = string(w.until('"'))
	w.skip(wireSize)
	size := w.number()
	w.skip(wireData)
	e.Data = w.take(size)
	w.skip(wireEnvelope)
	if len(w.rest) == 0 {
		return false
	}
	e.Metadata = w.take(uint64(len(w.rest) - 1))
	w.skip(wireEnd)
	return !w.broken
}

// wire is what is left to read of a payload. Once it is broken it gives nothing.
type wire struct {
	rest   []byte
	broken bool
}

func (w *wire) skip(constant string) {
	if b := w.take(uint64(len(constant))); string(b) != constant {
		w.broken = true
	}
}

func (w *wire) take(n uint64) []byte {
	if w.broken || n > uint64(len(w.rest)) {
		w.broken = true
		return nil
	}
	b := w.rest[:n:n]
	w.rest = w.rest[n:]
	return b
}

func (w *wire) until(end byte) []byte {
	n := bytes.IndexByte(w.rest, end)
	if n < 0 {
		w.broken = true
		return nil
	}
	return w.take(uint64(n))
}

func (w *wire) number() uint64 {
	digits := 0
	for digits < len(w.rest) && w.rest[digits] >= '0' && w.rest[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseUint(string(w.take(uint64(digits))), 10, 64)
	w.broken = w.broken || err != nil
	return n
}

// Headers of messages in the form before this one, whose payload is the data. A stream may hold some for as long as it keeps
// messages at all.
const (
	oldRevision = "Daybook-Revision"
	oldPosition = "Daybook-Position"
	oldMetadata = "Daybook-Metadata"
)

// parseMsg reads the event of a NATS message.
func parseMsg(subject string, header nats.Header, payload []byte) (Event, error) {
	e, err := addressed(subject)
	if err != nil {
		return Event{}, err
	}
	e.ID = header.Get(HeaderID)
	if revision := header.Get(oldRevision); revision != "" {
		e.Position, e.Data, e.Metadata = header.Get(oldPosition), payload, []byte(header.Get(oldMetadata))
		e.Revision, err = strconv.ParseUint(revision, 10, 64)
	} else if !parsePayload(payload, &e) {
		err = errNoEvent
	}
	if err != nil {
		return Event{}, fmt.Errorf("message on subject %q: %w", subject, err)
	}
	return e, nil
}
