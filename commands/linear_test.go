package commands_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// TestLinearizable has concurrent clients, on two rival sets of engines over one log, post, hold, capture, void and
// revert at random, records what each asked and was told, and lets a checker look for an order of all of it in which a
// plain model would have told the same.
func TestLinearizable(t *testing.T) {
	histories := 6
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		histories = 500
	}
	accepted := map[string]bool{}
	for range histories {
		seed := rand.Uint64()
		trial := newLinearTrial(t, seed)
		trial.run(4, 50)
		result, info := porcupine.CheckOperationsVerbose(plainLedger, trial.history, time.Minute)
		if result != porcupine.Ok {
			path := fmt.Sprintf("%s/history.html", os.TempDir())
			_ = porcupine.VisualizePath(plainLedger, info, path) // for whoever looks into it
			t.Fatalf("seed %d: the history is %s; it is drawn in %s", seed, result, path)
		}
		for _, kind := range trial.kinds() {
			accepted[kind] = true
		}
	}
	if len(accepted) < 5 { // one history may do without a kind, all together may not
		t.Fatalf("only %v were ever accepted", accepted)
	}
}

const purses = 3 // accounts that may not go below zero; world, the number after them, may

// asked is one command of a client, told what it was answered. id is that of the hold or transaction it is about, or
// that came of it.
type (
	asked struct {
		kind     string
		from, to int
		amount   int
		id       int
		final    bool
	}
	told struct {
		code ledger.Code
		id   int
	}
)

type linearTrial struct {
	t       *testing.T
	random  *rand.Rand
	engines [2]*commands.Engines
	began   time.Time

	mu      sync.Mutex
	history []porcupine.Operation
	posted  [][]ledger.Entry // by transaction, for those who revert; a nil one was not heard of yet
}

func newLinearTrial(t *testing.T, seed uint64) *linearTrial {
	t.Helper()
	store := memstore.New()
	trial := &linearTrial{t: t, random: rand.New(rand.NewPCG(seed, 0)), began: time.Now()}
	for i := range trial.engines {
		trial.engines[i] = commands.NewEngines(store, engine.Options{Clock: clock, MaxAttempts: 1 << 20})
		t.Cleanup(func() {
			if err := trial.engines[i].Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	if got := trial.submit(0, ledger.OpenLedger{Name: "books", Template: ledger.Wallets}); got.code != "" {
		t.Fatal(got.code)
	}
	return trial
}

// run lets clients send so many commands each, and keeps what they were told.
func (l *linearTrial) run(clients, commands int) {
	var all sync.WaitGroup
	for client := range clients {
		random := rand.New(rand.NewPCG(l.random.Uint64(), 1))
		all.Go(func() {
			for range commands {
				ask := l.choose(random)
				call := time.Since(l.began).Nanoseconds()
				answer := l.submit(client%len(l.engines), l.command(ask))
				l.record(porcupine.Operation{
					ClientId: client, Input: ask, Output: answer,
					Call: call, Return: time.Since(l.began).Nanoseconds(),
				})
			}
		})
	}
	all.Wait()
}

func (l *linearTrial) record(o porcupine.Operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, o)
}

// kinds are those of the commands that were accepted.
func (l *linearTrial) kinds() []string {
	var kinds []string
	for _, o := range l.history {
		if o.Output.(told).code == "" {
			kinds = append(kinds, o.Input.(asked).kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func (l *linearTrial) choose(random *rand.Rand) asked {
	a := asked{from: random.IntN(purses + 1), amount: 1 + random.IntN(40), id: 1 + random.IntN(25), final: random.IntN(2) == 0}
	a.to = (a.from + 1 + random.IntN(purses)) % (purses + 1)
	a.kind = []string{"post", "post", "post", "hold", "hold", "capture", "capture", "void", "revert"}[random.IntN(9)]
	return a
}

func purse(n int) address.Address {
	if n == purses {
		return "world"
	}
	return address.Address(fmt.Sprintf("users:%d", n))
}

func (l *linearTrial) command(a asked) ledger.Command {
	amount := money.NewAmount(uint64(a.amount))
	moved := ledger.Movement{Entries: []ledger.Entry{
		{Account: purse(a.from), Asset: "USD/2", Side: ledger.Debit, Amount: amount},
		{Account: purse(a.to), Asset: "USD/2", Side: ledger.Credit, Amount: amount},
	}}
	switch a.kind {
	case "post":
		return ledger.PostTransaction{Movement: moved}
	case "hold":
		return ledger.PlaceHold{Movement: moved}
	case "capture":
		return ledger.CaptureHold{ID: uint64(a.id), Amount: amount, Final: a.final}
	case "void":
		return ledger.VoidHold{ID: uint64(a.id)}
	default:
		l.mu.Lock()
		defer l.mu.Unlock()
		var original []ledger.Entry
		if a.id <= len(l.posted) {
			original = l.posted[a.id-1]
		}
		return ledger.RevertTransaction{ID: uint64(a.id), Original: original}
	}
}

func (l *linearTrial) submit(engines int, c ledger.Command) told {
	result, err := l.engines[engines].Submit(context.Background(), ledgername.Stream("books"),
		commands.Unit{Commands: []engine.Command[ledger.Command]{{Command: c}}})
	if err != nil {
		l.t.Errorf("submit: %v", err)
		return told{}
	}
	answer := result.Answers[0]
	var rejection *ledger.Rejection
	if errors.As(answer.Err, &rejection) {
		return told{code: rejection.Code}
	}
	var got told
	for _, e := range answer.Events {
		switch e := e.Event.(type) {
		case ledger.TransactionPosted:
			got.id = int(e.ID)
			l.remember(e)
		case ledger.HoldPlaced:
			got.id = int(e.ID)
		}
	}
	return got
}

func (l *linearTrial) remember(e ledger.TransactionPosted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.posted) < int(e.ID) {
		l.posted = append(l.posted, nil)
	}
	l.posted[e.ID-1] = e.Entries
}

// plain is the model's state: what each purse has and what holds would take of it.
type plain struct {
	has, held    [purses + 1]int
	holds        []plainHold
	transactions []plainTransaction
}

type plainHold struct {
	from, to, left int
	open           bool
}

type plainTransaction struct {
	from, to, amount int
	reverted         bool
}

// plainLedger is a ledger as a person would describe it.
var plainLedger = porcupine.Model{
	Init: func() any { return plain{} },
	Step: func(state, input, output any) (bool, any) {
		s := state.(plain)
		s.holds, s.transactions = slices.Clone(s.holds), slices.Clone(s.transactions)
		want := s.step(input.(asked), output.(told))
		return want == output.(told), s
	},
	Equal: func(a, b any) bool {
		x, y := a.(plain), b.(plain)
		return x.has == y.has && x.held == y.held && slices.Equal(x.holds, y.holds) && slices.Equal(x.transactions, y.transactions)
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// step does what was asked and tells what a client has to be told. got is looked at in one case alone: a client that has
// not heard of a transaction yet cannot say what its opposite is, and is told that there is none.
func (s *plain) step(a asked, got told) told {
	switch a.kind {
	case "post":
		return s.post(a.from, a.to, a.amount)
	case "hold":
		if !s.canTake(a.from, a.amount) {
			return told{code: ledger.InsufficientFunds}
		}
		s.held[a.from] += a.amount
		s.holds = append(s.holds, plainHold{a.from, a.to, a.amount, true})
		return told{id: len(s.holds)}
	case "revert":
		return s.revert(a.id, got)
	}
	if a.id > len(s.holds) {
		return told{code: ledger.HoldNotFound}
	}
	h := &s.holds[a.id-1]
	if !h.open {
		return told{code: ledger.HoldNotOpen}
	}
	if a.kind == "void" {
		s.release(h)
		return told{}
	}
	if a.amount > h.left {
		return told{code: ledger.CaptureExceedsHold}
	}
	h.left -= a.amount
	s.held[h.from] -= a.amount
	if a.final || h.left == 0 {
		s.release(h)
	}
	return s.move(h.from, h.to, a.amount)
}

func (s *plain) release(h *plainHold) {
	s.held[h.from] -= h.left
	h.left, h.open = 0, false
}

func (s *plain) revert(id int, got told) told {
	if id > len(s.transactions) || got.code == ledger.TransactionNotFound {
		return told{code: ledger.TransactionNotFound}
	}
	t := s.transactions[id-1]
	if t.reverted {
		return told{code: ledger.AlreadyReverted}
	}
	answer := s.post(t.to, t.from, t.amount)
	s.transactions[id-1].reverted = answer.code == ""
	return answer
}

func (s *plain) post(from, to, amount int) told {
	if !s.canTake(from, amount) {
		return told{code: ledger.InsufficientFunds}
	}
	return s.move(from, to, amount)
}

func (s *plain) canTake(from, amount int) bool {
	return from == purses || s.has[from]-s.held[from] >= amount
}

func (s *plain) move(from, to, amount int) told {
	s.has[from] -= amount
	s.has[to] += amount
	s.transactions = append(s.transactions, plainTransaction{from: from, to: to, amount: amount})
	return told{id: len(s.transactions)}
}
