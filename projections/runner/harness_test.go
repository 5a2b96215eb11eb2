package runner_test

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

// patience bounds waits for what must come; it is never waited out in a test that passes.
const patience = time.Minute

var everyProjection = []string{"ledgers", "accounts", "entries", "transactions", "holds", "periods", "assertions"}

// scene is a log that grows and a views database, which runners keep.
type scene struct {
	t       *testing.T
	place   string
	store   eventstore.Store
	history *projectiontest.History
	board   *watermark.Board
	ticks   chan time.Time
	// troubled scenes have faults: only in those may a runner warn. Elsewhere a warning is a failure that a retry hid.
	troubled bool
}

// alarm fails the test at a warning.
type alarm struct {
	slog.Handler

	s *scene
}

func (a alarm) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && !a.s.troubled
}

func (a alarm) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(attr slog.Attr) bool {
		text += " " + attr.String()
		return true
	})
	a.s.t.Errorf("the runner warns: %s", text)
	return nil
}

func (a alarm) WithAttrs([]slog.Attr) slog.Handler { return a }
func (a alarm) WithGroup(string) slog.Handler      { return a }

// trials are the seeds of a random trial and the size of its histories, in parts of the size for a quick run: few and the
// same each time; with DAYBOOK_TEST_SOAK in the environment many and large, from a first seed that differs each time. Each
// scene prints its own.
func trials() (seeds []uint64, size int) {
	first, count, size := uint64(0), 2, 1
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		first, count, size = rand.Uint64(), 40, 4
	}
	for i := range uint64(count) {
		seeds = append(seeds, first+i)
	}
	return seeds, size
}

func newScene(t *testing.T, seed uint64) *scene {
	t.Helper()
	return newSceneAt(t, seed, viewstest.Place(t))
}

func newSceneAt(t *testing.T, seed uint64, place string) *scene {
	t.Helper()
	t.Logf("seed %d", seed)
	store := memstore.New()
	return &scene{
		t: t, place: place, store: store,
		history: projectiontest.NewHistory(store, seed, 3), board: watermark.New(), ticks: make(chan time.Time),
	}
}

func (s *scene) append(events int) {
	s.t.Helper()
	if err := s.history.Append(s.t.Context(), events); err != nil {
		s.t.Fatal(err)
	}
}

// open opens the views database once more, as another process would.
func (s *scene) open() *views.DB {
	s.t.Helper()
	db, err := views.Open(s.t.Context(), s.place)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return db
}

// config is that of a runner with its own connections.
func (s *scene) config() runner.Config {
	return runner.Config{
		Views: s.open(), Store: s.store, Projections: projections.All(), Logger: slog.New(alarm{s: s}),
		Board: s.board, Ticks: s.ticks, RetryPause: time.Millisecond, BatchMax: 50,
	}
}

// run runs a runner until the function it returns is called, or the test ends.
func (s *scene) run(r *runner.Runner) (stop func()) {
	s.t.Helper()
	return run(s.t, r)
}

func run(t testing.TB, r *runner.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// await waits until projections have everything; all of them where none are named.
func (s *scene) await(names ...string) {
	s.t.Helper()
	if len(names) == 0 {
		names = everyProjection
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for ledger, revision := range s.history.Heads() {
		if err := s.board.Wait(ctx, ledger, revision, names...); err != nil {
			s.t.Fatal(err)
		}
	}
}

// equalsModel compares everything with the model.
func (s *scene) equalsModel() {
	s.t.Helper()
	dump, err := projectiontest.Of(s.t.Context(), s.open())
	if err != nil {
		s.t.Fatal(err)
	}
	want := s.history.Model.Dump()
	if maps.EqualFunc(want, dump, slices.Equal) {
		return
	}
	if diff := cmp.Diff(want, dump); diff != "" {
		s.t.Fatalf("the read models differ from the model (-model +read models):\n%.4000s", diff)
	}
}

// tick gives ticks until done is closed.
func (s *scene) tick(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case s.ticks <- time.Time{}:
		}
	}
}

// awaitTicking waits as await does, while the clock ticks.
func (s *scene) awaitTicking(names ...string) {
	s.t.Helper()
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() { s.tick(done) })
	defer ticking.Wait()
	defer close(done)
	s.await(names...)
}

// status is what List says of the live generation of a projection.
func (s *scene) status(r *runner.Runner, projection string) runner.Status {
	s.t.Helper()
	all, err := r.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, one := range all {
		if one.Projection == projection && one.Live {
			return one
		}
	}
	s.t.Fatalf("no live generation of %s in %v", projection, all)
	return runner.Status{}
}

// byHand is a subscriber that delivers what a test tells it to.
type byHand struct{ out chan *message.Message }

func newByHand() *byHand { return &byHand{out: make(chan *message.Message)} }

func (b *byHand) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case msg := <-b.out:
				select {
				case <-ctx.Done():
					return
				case out <- msg:
				}
			}
		}
	}()
	return out, nil
}

func (*byHand) Close() error { return nil }

// deliver gives events as one message, and tells whether it was taken.
func (b *byHand) deliver(t *testing.T, events []stream.Event) bool {
	t.Helper()
	msg := stream.NewBatch(context.Background(), events)
	b.out <- msg
	select {
	case <-msg.Acked():
		return true
	case <-msg.Nacked():
		return false
	case <-time.After(patience):
		t.Fatal("the message was neither taken nor refused")
		return false
	}
}

// fedByHand runs a runner that a test feeds, and returns when the runner has read all that the store had at its start: from
// then on it knows of an event only what it is told. It takes no message before.
func (s *scene) fedByHand() *byHand {
	s.t.Helper()
	subscriber, config := newByHand(), s.config()
	config.Subscriber = subscriber
	s.run(runner.New(config))
	s.append(10)
	if !subscriber.deliver(s.t, s.log()) {
		s.t.Fatal("the first events were refused")
	}
	s.await()
	return subscriber
}

// log is all events of the store.
func (s *scene) log() []stream.Event {
	s.t.Helper()
	var all []stream.Event
	for record, err := range s.store.ReadAll(s.t.Context(), eventstore.Start) {
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, stream.Event{
			Ledger: record.Stream[len("ledger-"):], Revision: uint64(record.Revision), Position: record.Position.String(),
			Type: record.Type, Data: record.Data, Metadata: record.Metadata,
		})
	}
	return all
}
