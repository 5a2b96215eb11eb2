package engine

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// Options adjust the engine. Every zero field stands for the value in brackets.
type Options struct {
	// Clock tells the time at which events are recorded [time.Now].
	Clock func() time.Time
	// NewID makes the ids of events; several goroutines call it [UUIDs of version 7].
	NewID func() eventstore.ID
	// Logger gets what an operator should know; never the content of commands or events [discarded].
	Logger *slog.Logger
	// Registerer gets the metrics [none].
	Registerer prometheus.Registerer
	// Snapshots keeps states, so that loading a stream need not begin at its beginning [none are kept].
	Snapshots Snapshots

	// QueueLength is how many commands may wait for one stream; a longer unit is taken when nothing waits [32,768].
	QueueLength int
	// MaxBatchEvents and MaxBatchBytes bound what is appended at once; one unit may exceed them [8,192; 4 MiB, and at most half
	// of MaxUnitBytes].
	MaxBatchEvents int
	MaxBatchBytes  int
	// MaxUnitBytes bounds what one unit may write [what the store takes in one append]: the command that would exceed it fails with ErrTooLarge, and those
	// after it too, or in an atomic unit all of them. It keeps what is refused in the end from being made in memory first.
	MaxUnitBytes int
	// MaxAttempts is how often a unit is decided before it fails because others keep writing to the stream [16].
	MaxAttempts int
	// KeyRetention is how long idempotency keys are known at least, by recorded time (see [timeline]) [24 h, which is also
	// the least].
	KeyRetention time.Duration
	// KeepInMemory is how many keys, and how many names (see [Names]), of a stream stay in memory when a snapshot is taken;
	// where there are more, all of them go to the disk [65,536].
	KeepInMemory int
	// SnapshotEvery is the least number of events from one snapshot to the next [50,000].
	SnapshotEvery int
	// IdleAfter is how long a stream without commands stays in memory [10 min].
	IdleAfter time.Duration

	// fold makes a digest of 64 bits of another: tests let many be the same.
	fold func(uint64) uint64
}

// Snapshots keeps the newest snapshot of each stream. It need not be durable, nor be of the same log: what it gives back is
// checked against the log. Implementations are safe for concurrent use.
type Snapshots interface {
	// Save keeps the snapshot of the stream as it was after the event of that revision, in place of the one it has. The
	// snapshot is what write writes; where that fails, nothing changes.
	Save(ctx context.Context, stream string, revision eventstore.Revision, write func(io.Writer) error) error
	// Load gives back what was saved last, by whomever, or nil where nothing was. The runs that it refers to are in Runs.
	Load(ctx context.Context, stream string) ([]byte, error)
	// Remove drops what Load gave back last: it is of no use. Load never gives it back again, but may give another.
	Remove(ctx context.Context, stream string) error
	// Runs is where what is too much for memory goes, to which the stream's snapshots refer; nil for nowhere. Nobody else
	// writes there.
	Runs(stream string) *runs.Dir
}

const minKeyRetention = 24 * time.Hour

func (o Options) withDefaults(traits eventstore.Traits) Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.NewID == nil {
		o.NewID = func() eventstore.ID { return eventstore.ID(uuid.Must(uuid.NewV7())) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.QueueLength = cmp.Or(o.QueueLength, 32_768)
	o.MaxBatchEvents = cmp.Or(o.MaxBatchEvents, 8_192)
	o.MaxUnitBytes = cmp.Or(o.MaxUnitBytes, traits.MaxAppendBytes)
	o.MaxBatchBytes = cmp.Or(o.MaxBatchBytes, min(4<<20, o.MaxUnitBytes/2))
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 16)
	o.KeyRetention = max(o.KeyRetention, minKeyRetention)
	o.KeepInMemory = cmp.Or(o.KeepInMemory, 65_536)
	if o.fold == nil {
		o.fold = func(digest uint64) uint64 { return digest }
	}
	o.SnapshotEvery = cmp.Or(o.SnapshotEvery, 50_000)
	o.IdleAfter = cmp.Or(o.IdleAfter, 10*time.Minute)
	return o
}
