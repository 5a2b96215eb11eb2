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

// Headers of a NATS message, and metadata keys of a Watermill message that is one event. Its payload is the event's data.
const (
	// HeaderID is the event's id; the broker drops a second message that has it, within the duplicate window.
	HeaderID = "Nats-Msg-Id"
	// HeaderRevision is the event's number in its ledger, in decimal.
	HeaderRevision = "Daybook-Revision"
	// HeaderPosition is the event's place in the event store, as that writes it.
	HeaderPosition = "Daybook-Position"
	// HeaderMetadata is the event's envelope, in JSON.
	HeaderMetadata = "Daybook-Metadata"
	// KeySubject is the subject, in a Watermill message's metadata only: NATS messages have it anyway.
	KeySubject = "Daybook-Subject"
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

// Config is what the JetStream stream keeps. Zero fields take the defaults of the embedded shape.
type Config struct {
	// MaxBytes is how much it keeps: 1 GiB by default. The oldest events go first; the event store has them all.
	MaxBytes int64
	// MaxAge is how long it keeps an event: 7 days by default.
	MaxAge time.Duration
	// DuplicateWindow is how long an id is remembered: 2 minutes by default, and at least.
	DuplicateWindow time.Duration
	// Replicas is the number of servers that keep it: 1 by default.
	Replicas int
}

const (
	defaultMaxBytes = 1 << 30
	defaultMaxAge   = 7 * 24 * time.Hour
	minDuplicates   = 2 * time.Minute
)

func (c Config) jetstream() jetstream.StreamConfig {
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	return jetstream.StreamConfig{
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
}
