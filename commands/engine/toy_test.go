package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/runs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The toy is a counter that is opened once, and never goes below zero. A step is one event. A command may also take a name,
// which is an event too, and nobody has taken before.
type (
	counter struct {
		open  bool
		total int
		names map[string]bool // those that it knows

		recalled string // for the next command
		saved    *counter
	}
	command struct {
		open  bool
		steps []int
		name  string
		once  *atomic.Bool // where given: it is accepted only once, whatever becomes of it
	}
	event string // "open", or a number, or "@" and a name
)

var (
	errNotOpen = errors.New("the counter is not open")
	errOpen    = errors.New("the counter is open")
	errFloor   = errors.New("the counter would go below zero")
	errTaken   = errors.New("the name is taken")
)

func open() command            { return command{open: true} }
func add(steps ...int) command { return command{steps: steps} }
func take(name string) command { return command{name: name} }

// poison is a step that is decided and then cannot follow.
const poison = 666

func toy(decisions *atomic.Int64) engine.Decider[*counter, command, event] {
	return engine.Decider[*counter, command, event]{
		New: func() *counter { return &counter{names: map[string]bool{}} },
		Decide: func(c *counter, cmd command, _ time.Time) ([]event, error) {
			decisions.Add(1)
			return decide(c, cmd)
		},
		Evolve:   evolve,
		Begin:    func(c *counter) { c.saved = &counter{open: c.open, total: c.total, names: maps.Clone(c.names)} },
		Commit:   func(c *counter) { c.saved = nil },
		Rollback: func(c *counter) { *c = *c.saved },
		Encode: func(e event) (engine.Payload, error) {
			return engine.Payload{Type: "Counted", Schema: 1, Data: []byte(e)}, nil
		},
		Decode: func(p engine.Payload) (event, error) { return event(p.Data), nil },
		Freeze: func(c *counter, handOver bool) engine.Frozen {
			f := &frozen{counter{total: c.total, names: maps.Clone(c.names)}, handOver}
			return f
		},
		Thaw: func(*counter) {},
		Restore: func(p []byte) (*counter, error) {
			if len(p) < 8 {
				return nil, errors.New("want 8 bytes")
			}
			c := &counter{open: true, total: int(binary.BigEndian.Uint64(p)), names: map[string]bool{}}
			for name := range strings.FieldsSeq(string(p[8:])) {
				c.names[name] = true
			}
			return c, nil
		},
		Names: engine.Names[*counter, command, event]{
			Of: func(e event) string {
				name, _ := strings.CutPrefix(string(e), "@")
				if name == string(e) {
					return ""
				}
				return name
			},
			Wanted: func(c command) string { return c.name },
			Recall: func(c *counter, e event) { c.recalled = string(e[1:]) },
			Forget: func(c *counter, f engine.Frozen) {
				forgotten.Add(1)
				maps.DeleteFunc(c.names, func(name string, _ bool) bool { return f.(*frozen).names[name] })
			},
		},
	}
}

// forgotten is how often a toy was told to forget.
var forgotten atomic.Int64

// frozen is a counter as it was.
type frozen struct {
	counter

	handOver bool
}

func (f *frozen) WriteSnapshot(to io.Writer) error {
	if _, err := to.Write(binary.BigEndian.AppendUint64(nil, uint64(f.total))); err != nil || f.handOver {
		return err
	}
	_, err := io.WriteString(to, strings.Join(slices.Sorted(maps.Keys(f.names)), " "))
	return err
}

func decide(c *counter, cmd command) ([]event, error) {
	if cmd.open {
		if c.open {
			return nil, errOpen
		}
		return []event{"open"}, nil
	}
	if !c.open {
		return nil, errNotOpen
	}
	if cmd.once != nil && cmd.once.Swap(true) {
		return nil, errFloor
	}
	total, events := c.total, []event(nil)
	if cmd.name != "" {
		if c.names[cmd.name] || c.recalled == cmd.name {
			return nil, errTaken
		}
		events = append(events, event("@"+cmd.name))
	}
	for _, n := range cmd.steps {
		if total += n; total < 0 {
			return nil, errFloor
		}
		events = append(events, event(strconv.Itoa(n)))
	}
	return events, nil
}

func evolve(c *counter, e event) error {
	if e == "open" {
		c.open = true
		return nil
	}
	if name, named := strings.CutPrefix(string(e), "@"); named {
		c.names[name] = true
		return nil
	}
	n, err := strconv.Atoi(string(e))
	if err != nil || n == poison {
		return fmt.Errorf("event %q cannot follow", e)
	}
	c.total += n
	return nil
}

// bench is a store with faults, and engines over it that can be restarted.
type bench struct {
	*testing.T

	inner     *memstore.Store
	hook      func(from eventstore.Revision) // called before each read, where it is given
	store     *storetest.Faulty
	engines   *engine.Engines[*counter, command, event]
	decisions atomic.Int64
	record    func() // called for each record that is read, where it is given
	options   engine.Options
	metrics   *prometheus.Registry

	mu   sync.Mutex
	told []engine.Event[event] // of what happened, by all its engines
}

const stream = "ledger-main"

func newBench(t *testing.T, options engine.Options) *bench {
	t.Helper()
	return benchOn(t, memstore.New(), options)
}

func benchOn(t *testing.T, inner *memstore.Store, options engine.Options) *bench {
	t.Helper()
	b := &bench{T: t, inner: inner, store: storetest.NewFaulty(inner), options: options}
	b.start()
	t.Cleanup(func() { _ = b.engines.Close(context.Background()) })
	return b
}

func (b *bench) start() {
	b.metrics = prometheus.NewRegistry()
	b.options.Registerer = b.metrics
	hooked := &hookedStore{Store: b.store, record: b.record, beforeRead: func(from eventstore.Revision) {
		if b.hook != nil {
			b.hook(from)
		}
	}}
	decider := toy(&b.decisions)
	decider.Happened = func(_ string, events []engine.Event[event]) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.told = append(b.told, events...)
	}
	b.engines = engine.New(hooked, decider, b.options)
}

func (b *bench) restart() {
	b.Helper()
	b.close()
	b.start()
}

func (b *bench) close() {
	b.Helper()
	if err := b.engines.Close(b.Context()); err != nil {
		b.Fatalf("close: %v", err)
	}
}

type (
	unit   = engine.Unit[command]
	result = engine.Result[event]
)

func one(c command) unit {
	return unit{Commands: []engine.Command[command]{{Command: c}}, Actor: "ann"}
}

func many(commands ...command) unit {
	u := unit{Actor: "ann"}
	for _, c := range commands {
		u.Commands = append(u.Commands, engine.Command[command]{Command: c})
	}
	return u
}

func keyed(key string, request byte, c command) unit {
	u := one(c)
	u.Commands[0].Key, u.Commands[0].Request = key, envelope.Hash{request, 1}
	return u
}

func (b *bench) submit(u unit) (result, error) {
	b.Helper()
	return b.engines.Submit(b.Context(), stream, u)
}

// accept submits what must be accepted, all of it.
func (b *bench) accept(u unit) result {
	b.Helper()
	r, err := b.submit(u)
	if err != nil {
		b.Fatalf("submit: %v", err)
	}
	for i, a := range r.Answers {
		if a.Err != nil {
			b.Fatalf("command %d: %v", i, a.Err)
		}
	}
	return r
}

// reject submits one command that must be rejected for the given reason.
func (b *bench) reject(u unit, want error) result {
	b.Helper()
	r, err := b.submit(u)
	if err != nil {
		b.Fatalf("submit: %v", err)
	}
	if !errors.Is(r.Answers[0].Err, want) {
		b.Fatalf("got %v, want %v", r.Answers[0].Err, want)
	}
	return r
}

// reply is what a caller got.
type reply struct {
	result result
	err    error
}

// later submits without waiting.
func (b *bench) later(u unit) <-chan reply {
	replies := make(chan reply, 1)
	go func() {
		r, err := b.submit(u)
		replies <- reply{r, err}
	}()
	return replies
}

// laterStill submits without waiting for the answer, but until everything has come to rest.
func (b *bench) laterStill(u unit) <-chan reply {
	replies := b.later(u)
	synctest.Wait()
	return replies
}

// waits tells whether the caller has no answer yet.
func waits(replies <-chan reply) bool {
	synctest.Wait()
	return len(replies) == 0
}

// log is the stream as it is, checked.
func (b *bench) log() []event {
	b.Helper()
	var events []event
	var previous envelope.Envelope
	for r, err := range b.inner.ReadStream(context.Background(), stream, 0) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			b.Fatalf("read: %v", err)
		}
		e, err := envelope.Parse(r.Metadata)
		if err != nil {
			b.Fatalf("revision %d: %v", r.Revision, err)
		}
		place := envelope.Place{Stream: stream, Revision: uint64(r.Revision), Type: r.Type}
		if err := e.Verify(place, r.Data); err != nil {
			b.Fatal(err)
		}
		if e.Previous != previous.Hash || e.RecordedAt.Before(previous.RecordedAt) || e.ID != r.ID {
			b.Fatalf("revision %d does not follow: %+v after %+v", r.Revision, e, previous)
		}
		previous = e
		events = append(events, event(r.Data))
	}
	return events
}

func (b *bench) wantLog(want ...event) {
	b.Helper()
	if diff := cmp.Diff(want, b.log()); diff != "" {
		b.Errorf("log (-want +got):\n%s", diff)
	}
}

// wantTold checks what the engines told to have happened, and that the log has each of it in the place that was told.
func (b *bench) wantTold(want ...event) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	log := b.log()
	var got []event
	for _, e := range b.told {
		got = append(got, e.Event)
		if e.Revision >= eventstore.Revision(len(log)) || log[e.Revision] != e.Event || e.Envelope.ID == ([16]byte{}) {
			b.Errorf("%q was told to have happened at revision %d; the log is %q", e.Event, e.Revision, log)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("told (-want +got):\n%s", diff)
	}
}

// metric is a counter or a gauge, named without the package's prefix; where it has labels, by the value of one.
func (b *bench) metric(name string, label ...string) float64 {
	b.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "daybook_engine_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(label) == 0 || m.GetLabel()[0].GetValue() == label[0] {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	b.Fatalf("there is no metric %s %v", name, label)
	return 0
}

// hookedStore tells of reads before they are made, in the order in which they come.
type hookedStore struct {
	eventstore.Store

	beforeRead func(from eventstore.Revision)
	record     func()
}

func (h *hookedStore) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	h.beforeRead(from)
	records := h.Store.ReadStream(ctx, stream, from)
	if h.record == nil {
		return records
	}
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range records {
			h.record()
			if !yield(r, err) {
				return
			}
		}
	}
}

// shelf keeps snapshots in memory, and counts. What is handed over goes to a directory, where there is one.
type shelf struct {
	dir   string
	mu    sync.Mutex
	byKey map[string][]byte
	saved []eventstore.Revision
	fail  error
	gate  chan struct{} // where given: each save waits for it
	stuck bool          // nothing can be dropped
}

func (s *shelf) Save(_ context.Context, stream string, r eventstore.Revision, write func(io.Writer) error) error {
	var snapshot bytes.Buffer
	if err := write(&snapshot); err != nil {
		return err
	}
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.byKey = maps.Clone(s.byKey)
	if s.byKey == nil {
		s.byKey = map[string][]byte{}
	}
	s.byKey[stream] = snapshot.Bytes()
	s.saved = append(s.saved, r)
	return nil
}

func (s *shelf) Load(_ context.Context, stream string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.byKey[stream]), s.fail
}

func (s *shelf) Remove(_ context.Context, stream string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck {
		return errors.New("permission denied")
	}
	s.byKey = maps.Clone(s.byKey)
	delete(s.byKey, stream)
	return s.fail
}

func (s *shelf) Runs(stream string) *runs.Dir {
	if s.dir == "" {
		return nil
	}
	return runs.NewDir(filepath.Join(s.dir, stream))
}

func (s *shelf) revisions() []eventstore.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.saved)
}
