package linear_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// TestLinearizable has concurrent clients, on two rival sets of engines over one log, send every kind of command at random,
// records what each asked and was told, and lets a checker look for an order of all of it in which a plain model would
// have told the same. The clients share what they were told, and nothing else. In every other history appends fail, in
// ways that tell nothing of what was written.
func TestLinearizable(t *testing.T) {
	histories := 16
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		histories = 2000
	}
	outcomes := map[string]int{}
	for i := range histories {
		seed := rand.Uint64()
		trial := newTrial(t, seed, i%2 == 1)
		trial.run(4, 75)
		trial.close()
		result, info := porcupine.CheckOperationsVerbose(plainLedger, trial.history, time.Minute)
		if result != porcupine.Ok {
			path := fmt.Sprintf("%s/history.html", os.TempDir())
			_ = porcupine.VisualizePath(plainLedger, info, path) // for whoever looks into it
			t.Fatalf("history %d, seed %d: it is %s, and drawn in %s", i, seed, result, path)
		}
		trial.count(outcomes)
	}
	for _, kind := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%5d %s", outcomes[kind], kind)
	}
	for _, kind := range everyKind { // one history may do without a kind, all together may not
		if outcomes[kind] == 0 {
			t.Errorf("no command of the kind %s was ever accepted", kind)
		}
	}
}

// plainLedger checks what clients were told against the model.
var plainLedger = porcupine.Model{
	Init: func() any { return newPlain() },
	Step: func(state, input, output any) (bool, any) {
		before := state.(plain)
		s := before.clone()
		a, got := input.(asked), output.(told)
		if got.outcome == failed {
			return true, s
		}
		want := a.request.step(&s, a.heard)
		return want == got || got.outcome == unknown, s
	},
	Equal:             reflect.DeepEqual,
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// asked is a request of a client, told what it was answered.
type (
	asked struct {
		request request
		heard   heard
	}
	told struct {
		outcome outcome
		text    string
	}
	outcome int
)

// The outcomes. What failed has changed nothing; what is unknown may happen at any time after it was asked, or never, which
// is the same as after all else.
const (
	accepted outcome = iota
	refused
	failed
	unknown
)

func (t told) isNo() bool { return t.outcome == refused }

// request is something a client asks for.
type request interface {
	// unit is what is submitted to the engines.
	unit(h heard) commands.Unit
	// step does in the model what the request asks for, and says what the client has to be told.
	step(s *plain, h heard) told
}

// heard are the transactions that some client was told of before a request was made, by number less 1, in the place of
// the log that handlers look them up in. One that nobody heard of has no entries: it is not found.
type heard []ledger.TransactionPosted

func (h heard) of(id int) bool { return id <= len(h) && len(h[id-1].Entries) > 0 }

type trial struct {
	t       *testing.T
	random  *rand.Rand
	store   *memstore.Store
	faulty  [2]*storetest.Faulty // it, as each of the engines sees it
	engines [2]*commands.Engines
	began   time.Time

	mu       sync.Mutex
	history  []porcupine.Operation
	heard    heard
	declared []evaluate // the assertions that somebody was told of
	sent     []keyed    // what was sent with a key
}

func newTrial(t *testing.T, seed uint64, faults bool) *trial {
	t.Helper()
	l := &trial{t: t, store: memstore.New(), random: rand.New(rand.NewPCG(seed, 0)), began: time.Now()}
	chart := charts[0].chart()
	for i := range l.engines {
		l.faulty[i] = storetest.NewFaulty(l.store)
		l.engines[i] = commands.NewEngines(l.faulty[i], engine.Options{Clock: clock, MaxAttempts: 1 << 20})
		if got, _ := l.submit(i, one(ledger.OpenLedger{Name: "books", Chart: &chart})); got.isNo() != (i > 0) {
			t.Fatal(got)
		}
		if faults {
			l.faulty[i].Always(atRandom(rand.New(rand.NewPCG(l.random.Uint64(), 2))))
		}
	}
	return l
}

func (l *trial) close() {
	for i := range l.engines {
		if err := errors.Join(l.engines[i].Close(context.Background()), l.faulty[i].Close()); err != nil {
			l.t.Error(err)
		}
	}
}

// atRandom lets most appends through. An engine appends one batch at a time.
func atRandom(random *rand.Rand) storetest.Fault {
	open := storetest.NewGate()
	open.Open()
	faults := []storetest.Fault{
		storetest.Lost(), storetest.Written(), storetest.Written(), open.Late(nil), storetest.Refused(engine.ErrUnavailable),
	}
	return func(ctx context.Context, f *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
		if n := random.IntN(4 * len(faults)); n < len(faults) {
			return faults[n](ctx, f, do)
		}
		return do(ctx)
	}
}

// run lets clients send so many commands each, and keeps what they were told.
func (l *trial) run(clients, commands int) {
	var all sync.WaitGroup
	for client := range clients {
		random := rand.New(rand.NewPCG(l.random.Uint64(), 1))
		all.Go(func() {
			for range commands {
				o := porcupine.Operation{ClientId: client, Input: l.choose(random), Call: time.Since(l.began).Nanoseconds()}
				answer, events := l.send(client%len(l.engines), o.Input.(asked))
				o.Output, o.Return = answer, time.Since(l.began).Nanoseconds()
				l.record(o, events)
			}
		})
	}
	all.Wait()
	for i := range l.history {
		if o := &l.history[i]; o.Output.(told).outcome == unknown {
			o.Return = time.Since(l.began).Nanoseconds()
		}
	}
}

func (l *trial) send(engines int, a asked) (told, []event) {
	if e, ok := a.request.(evaluate); ok {
		return l.evaluate(engines, e)
	}
	return l.submit(engines, a.request.unit(a.heard))
}

func (l *trial) submit(engines int, u commands.Unit) (answer told, events []event) {
	result, err := l.engines[engines].Submit(context.Background(), ledgername.Stream("books"), u)
	for i := range result.Answers {
		if !u.DryRun {
			events = append(events, result.Answers[i].Events...)
		}
	}
	return answered(l.t, u, &result, err), events
}

// record keeps what was asked and told, and what others may ask about from now on.
func (l *trial) record(o porcupine.Operation, events []event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, o)
	for i := range events {
		switch e := events[i].Event.(type) {
		case ledger.TransactionPosted:
			if missing := int(e.ID) - len(l.heard); missing > 0 {
				l.heard = append(l.heard, make(heard, missing)...)
			}
			l.heard[e.ID-1] = e
		case ledger.AssertionDeclared:
			l.declared = append(l.declared, evaluate{id: int(e.ID), revision: uint64(events[i].Revision)})
		}
	}
}

// count counts what was accepted by kind, and what was refused by reason.
func (l *trial) count(outcomes map[string]int) {
	for _, o := range l.history {
		kind, answer := kindOf(o.Input.(asked).request), o.Output.(told)
		switch answer.outcome {
		case accepted:
			outcomes[kind]++
		case failed:
			outcomes["failed"]++
		case unknown:
			outcomes["unknown"]++
		case refused:
			for word := range strings.FieldsSeq(answer.text) {
				if strings.Contains(word, "_") {
					outcomes["refused: "+word]++
				}
			}
		}
		for _, what := range []string{again, "broken at", "holds at", "intending", "opens"} {
			if strings.Contains(answer.text, what) && kind != "evaluate" {
				outcomes["told: "+what]++
			}
		}
	}
}
