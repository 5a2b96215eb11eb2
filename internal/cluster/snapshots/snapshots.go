package snapshots

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// Local is where a node keeps the newest snapshot of each stream by itself.
type Local interface {
	// Save keeps a snapshot, which is what write writes, in place of the one before; where that fails, nothing changes.
	Save(ctx context.Context, stream string, revision eventstore.Revision, write func(io.Writer) error) error
	// Load gives back what was saved last, or nil where nothing was.
	Load(ctx context.Context, stream string) ([]byte, error)
	// Remove drops it.
	Remove(ctx context.Context, stream string) error
	// Runs has the runs that snapshots refer to.
	Runs(stream string) *runs.Dir
	// Open opens the snapshot that was saved last, which stays readable when another one is, and tells the revision of its last
	// event and the runs that it refers to. The error is [fs.ErrNotExist] where there is none.
	Open(stream string) (file *os.File, revision eventstore.Revision, needs []runs.ID, err error)
}

// Options are what sharing needs. Every zero field but Conn, Local, Log and Kind stands for the value in brackets.
type Options struct {
	// Conn is the connection to NATS, which stays the caller's.
	Conn *nats.Conn
	// Local is this node's own place.
	Local Local
	// Log is the identity of the log that snapshots are taken of. Those of another log are not used.
	Log string
	// Kind is the form of this node's snapshots. Those of another form, of another version of the program, are not used.
	Kind string
	// Worth is how many events a snapshot has to be ahead of what there is, here or in NATS, to be copied [50,000].
	Worth int
	// MaxBytes is how much NATS keeps, if this node is the first to need the stream [1 GiB].
	MaxBytes int64
	// Replicas is how many NATS servers keep the stream, if this node is the first to need it [1].
	Replicas int
	// Patience is how long NATS may say nothing before it is taken to be out of reach [2 s].
	Patience time.Duration
	// Logger is told what goes wrong [discarded].
	Logger *slog.Logger
	// Registerer gets the metrics [none].
	Registerer prometheus.Registerer
}

// Shared are the snapshots of a node, shared with the others where the names of their streams have letters, digits, "-" and "_" only. It is safe for concurrent use. Snapshots are copied to NATS while Run
// runs; the rest works without.
type Shared struct {
	options Options
	local   Local
	bucket  *bucket
	log     *slog.Logger
	metrics *metrics

	wake chan struct{} // has a token when something was put into waiting

	mu sync.Mutex
	// waiting are the streams whose newest snapshot is to be copied to NATS, each once, in order.
	waiting []string
	known   map[string]known
	// restUntil is when NATS is asked again, after it was out of reach.
	restUntil time.Time
}

// known is what this node knows of a stream's manifests, by their sequences.
type known struct {
	origin  uint64 // what is here came from that one or went into it
	avoid   uint64 // that one is not fetched
	useless bool   // and what it names does not fit the log: it is to be replaced, even by something older
}

var errNeeds = errors.New("sharing snapshots needs a connection, a place of one's own, the identity of the log and the kind of snapshots")

// New makes the snapshots of a node shared ones. It fails where an option is wrong.
func New(o Options) (*Shared, error) {
	if o.Conn == nil || o.Local == nil || o.Log == "" || o.Kind == "" {
		return nil, errNeeds
	}
	o.Worth = cmp.Or(o.Worth, 50_000)
	o.MaxBytes = cmp.Or(o.MaxBytes, 1<<30)
	o.Replicas = cmp.Or(o.Replicas, 1)
	o.Patience = cmp.Or(o.Patience, 2*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	js, err := jetstream.New(o.Conn, jetstream.WithPublishAsyncTimeout(o.Patience), jetstream.WithDefaultTimeout(o.Patience))
	if err != nil {
		return nil, fmt.Errorf("share snapshots: %w", err)
	}
	m := newMetrics(o.Registerer)
	return &Shared{
		options: o, local: o.Local, log: o.Logger, metrics: m,
		bucket: &bucket{js: js, patience: o.Patience, maxBytes: o.MaxBytes, replicas: o.Replicas, metrics: m},
		wake:   make(chan struct{}, 1), known: map[string]known{},
	}, nil
}

// Save keeps a snapshot here, and has it copied to NATS after that. It waits for the first alone.
func (s *Shared) Save(ctx context.Context, stream string, revision eventstore.Revision, write func(io.Writer) error) error {
	if err := s.local.Save(ctx, stream, revision, write); err != nil {
		return err //nolint:wrapcheck // says what was tried
	}
	s.enqueue(stream)
	return nil
}

// Load gives the newest snapshot that is to be had, or nil where there is none. It waits for NATS no longer than reading what one of
// another node would save from being read.
func (s *Shared) Load(ctx context.Context, stream string) ([]byte, error) {
	s.update(ctx, stream)
	return s.local.Load(ctx, stream) //nolint:wrapcheck // says what was tried
}

// Remove drops the snapshot that is here. If it is in NATS too it is not fetched from there again, and the next one from here takes
// its place.
func (s *Shared) Remove(ctx context.Context, stream string) error {
	s.mu.Lock()
	k := s.known[stream]
	if k.origin != 0 {
		s.known[stream] = known{avoid: k.origin, useless: true}
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(one string) bool { return one == stream })
	s.mu.Unlock()
	return s.local.Remove(ctx, stream) //nolint:wrapcheck // says what was tried
}

// Runs are those of this node: what a snapshot of another one refers to is put there before Load gives that.
func (s *Shared) Runs(stream string) *runs.Dir { return s.local.Runs(stream) }

// fitStream are the names of streams that can be a part of a subject, as those of all ledgers can.
var fitStream = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// enqueue has a stream's newest snapshot copied to NATS.
func (s *Shared) enqueue(stream string) {
	if !fitStream.MatchString(stream) {
		return
	}
	s.mu.Lock()
	if !slices.Contains(s.waiting, stream) {
		s.waiting = append(s.waiting, stream)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// knownOf tells what is known of a stream.
func (s *Shared) knownOf(stream string) known {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[stream]
}

// learn notes what is known of a stream.
func (s *Shared) learn(stream string, k known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[stream] = k
}
