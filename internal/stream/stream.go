// Package stream carries events from the relay to whoever wants them: a thin adapter between Watermill's Publisher and
// Subscriber and NATS JetStream.
//
// It is transport, never truth. Events come from the event store through the relay, go to projections and to any NATS
// client outside, and may be lost, repeated or late on the way: each says its ledger and revision, and a projector that
// misses one reads the event store. The package interprets neither an event's data nor its metadata.
//
// It differs from Watermill's own NATS package in that it moves many events at a time: [Publisher] sends a batch before
// it waits for the acknowledgements, [Subscriber] delivers a batch as one Watermill message (see [Batch]).
//
// Sub-packages: natsserver (the server in the process), memory and chaos (the same without NATS, well-behaved and not).
package stream

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Name is the JetStream stream that holds the events.
	Name = "DAYBOOK"
	// Topic is what every event's subject begins with: <Topic>.<ledger>.<EventType>.
	Topic = "daybook.events"
	// All is the topic to subscribe to for the events of all ledgers.
	All = Topic + ".>"
)

// HeaderID is the header of a NATS message that holds the event's id; the broker drops a second message that has it, within
// the duplicate window. Everything else is in the payload (see wire.go).
const HeaderID = "Nats-Msg-Id"

// KeyAfter is the header of a NATS message that holds the number of the one that it follows in the stream: the broker refuses it where
// another is the last. As metadata of the first Watermill message of several it numbers all of them.
const KeyAfter = "Nats-Expected-Last-Sequence"

// Metadata keys of a Watermill message that is one event. Its payload is the event's data, its UUID the event's id.
const (
	// KeySubject is the subject of its NATS message.
	KeySubject = "Daybook-Subject"
	// KeyRevision is the event's number in its ledger, in decimal.
	KeyRevision = "Daybook-Revision"
	// KeyPosition is the event's place in the event store, as that writes it.
	KeyPosition = "Daybook-Position"
	// KeyMetadata is the event's envelope, in JSON.
	KeyMetadata = "Daybook-Metadata"
)

// Subject is the NATS subject of the events of one type in one ledger.
func Subject(ledger, eventType string) string { return Topic + "." + ledger + "." + eventType }

// ParseSubject reads what [Subject] wrote.
func ParseSubject(subject string) (ledger, eventType string, ok bool) {
	rest, ok := strings.CutPrefix(subject, Topic+".")
	if !ok {
		return "", "", false
	}
	ledger, eventType, ok = strings.Cut(rest, ".")
	if !ok || ledger == "" || eventType == "" || strings.Contains(eventType, ".") {
		return "", "", false
	}
	return ledger, eventType, true
}

// Config is how the JetStream stream is made. Zero fields take the defaults.
type Config struct {
	// MaxBytes is how much it keeps: 1 GiB by default. The oldest events go first; the event store has them all.
	MaxBytes int64
	// MaxAge is how long it keeps an event: 7 days by default.
	MaxAge time.Duration
	// DuplicateWindow is how long an id is remembered: 30 s by default, and at least. It has to outlast the attempts of a
	// relay that was not answered. The broker keeps 150 bytes an event for it, which at two minutes and 20,000 events a
	// second were 350 MB, and cost more time than the storing.
	DuplicateWindow time.Duration
	// Replicas is the number of servers that keep it: 1 by default.
	Replicas int
	// Embedded tells that the broker lives and dies with the relay that publishes to it, and is nobody else's. An existing
	// stream is then changed to be as configured; elsewhere it is only checked (see [ErrConflict]). A new one is written
	// within milliseconds rather than with a write for each event: a relay that starts goes on where the stream ends.
	Embedded bool
}

// MaxEventBytes is what a broker has to take in one message: more than the largest event has, with 2,000 entries and addresses of
// 512 bytes.
const MaxEventBytes = 8 << 20

const (
	defaultMaxBytes = 1 << 30
	defaultMaxAge   = 7 * 24 * time.Hour
	minDuplicates   = 30 * time.Second
)

func (c Config) jetstream() jetstream.StreamConfig {
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	s := jetstream.StreamConfig{
		Name:        Name,
		Description: "Daybook's events, on their way from the event store",
		Subjects:    []string{All},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardOld,
		MaxBytes:    c.MaxBytes,
		MaxAge:      c.MaxAge,
		Duplicates:  max(c.DuplicateWindow, minDuplicates),
		Replicas:    max(c.Replicas, 1),

		AllowBatchPublish: true,
	}
	if c.Embedded {
		s.PersistMode = jetstream.AsyncPersistMode
	}
	return s
}
