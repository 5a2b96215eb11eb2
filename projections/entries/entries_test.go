package entries_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/entries"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

// scene is a new views database with an applier of the first generation.
type scene struct {
	t       *testing.T
	db      *views.DB
	applier projector.Applier
}

func newScene(t *testing.T) *scene {
	t.Helper()
	db, err := views.Open(t.Context(), viewstest.Place(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = db.Update(t.Context(), func(tx *views.Tx) error { return tx.CreateMissing([]views.Model{entries.Model()}) })
	if err != nil {
		t.Fatal(err)
	}
	return &scene{t, db, entries.Projection().New(1)}
}

func (s *scene) apply(events []projector.Event) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(tx *views.Tx) error { return s.applier.Apply(tx, events) })
	if err != nil {
		s.t.Fatal(err)
	}
}

var errAbandoned = errors.New("abandoned")

// abandon applies events in a transaction that does not commit.
func (s *scene) abandon(events []projector.Event) {
	s.t.Helper()
	err := s.db.Update(s.t.Context(), func(tx *views.Tx) error {
		return errors.Join(s.applier.Apply(tx, events), errAbandoned)
	})
	if !errors.Is(err, errAbandoned) {
		s.t.Fatal(err)
	}
	s.applier.Reset()
}

func (s *scene) flush() {
	s.t.Helper()
	deferrer, _ := s.applier.(projector.Deferrer)
	if err := s.db.Update(s.t.Context(), deferrer.Flush); err != nil {
		s.t.Fatal(err)
	}
}

// rows are those of a query, a line each.
func (s *scene) rows(query string) string {
	s.t.Helper()
	found, err := s.db.Reader().QueryxContext(s.t.Context(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	var lines []string
	for found.Next() {
		columns, err := found.SliceScan()
		if err != nil {
			s.t.Fatal(err)
		}
		fields := make([]string, len(columns))
		for i, column := range columns {
			fields[i] = "-"
			if column != nil {
				fields[i] = fmt.Sprint(column)
			}
		}
		lines = append(lines, strings.Join(fields, " "))
	}
	if err := found.Err(); err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

const (
	links      = `SELECT entry_id, account_id, asset, place, previous, debits, credits FROM entries ORDER BY entry_id`
	totals     = `SELECT account_id, asset, day, debits, credits, last, place, nanos, late_debits, late_credits FROM closings ORDER BY 1, 2, 3`
	everyEntry = `SELECT * FROM entries ORDER BY entry_id`
	lateOnes   = `SELECT entry_id FROM entries WHERE place IS NULL ORDER BY account_id, day, nanos, transaction_id, idx`
)

var units = money.NewAmount

// book makes events.
type book struct{ transactions uint64 }

func (b *book) opened(account int64) projector.Event {
	return projector.Event{Ledger: "book", LedgerID: 1, Body: ledger.AccountOpened{}, Accounts: []int64{account}}
}

// posted makes a transaction of debits of one amount, at a nanosecond of a day.
func (b *book) posted(day, nano int, asset money.Asset, amount money.Amount, accounts ...int64) projector.Event {
	b.transactions++
	posted := ledger.TransactionPosted{ID: b.transactions, EffectiveAt: time.Unix(int64(day)*86400, int64(nano)).UTC()}
	for range accounts {
		posted.Entries = append(posted.Entries, ledger.Entry{Asset: asset, Amount: amount})
	}
	return projector.Event{Ledger: "book", LedgerID: 1, Revision: b.transactions, Body: posted, Accounts: accounts}
}

func TestLinks(t *testing.T) {
	for name, test := range map[string]struct {
		batches func(b *book) [][]projector.Event
		links   string
		totals  string
	}{
		"a chain of each account and asset": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{
					b.posted(1, 0, "EUR", units(1), 7, 8), b.posted(1, 0, "JPY", units(2), 7), b.posted(1, 0, "EUR", units(4), 7),
				}}
			},
			"1 7 EUR 1 - - -\n2 8 EUR 1 - - -\n3 7 JPY 1 - - -\n4 7 EUR 2 1 - -",
			"7 EUR 1 5 0 4 2 0 - -\n7 JPY 1 2 0 3 1 0 - -\n8 EUR 1 1 0 2 1 0 - -",
		},
		"entries of one account in one transaction follow one another": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{b.posted(1, 5, "EUR", units(1), 7, 7, 7)}}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -\n3 7 EUR 3 2 - -",
			"7 EUR 1 3 0 3 3 5 - -",
		},
		"a chain goes on over batches and days": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{b.posted(1, 5, "EUR", units(1), 7)}, {b.posted(1, 6, "EUR", units(1), 7), b.posted(3, 0, "EUR", units(1), 7)}}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -\n3 7 EUR 3 2 - -",
			"7 EUR 1 2 0 2 2 6 - -\n7 EUR 3 3 0 3 3 0 - -",
		},
		"what is at the time of the last is in order": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{b.posted(1, 5, "EUR", units(1), 7)}, {b.posted(1, 5, "EUR", units(1), 7)}}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -",
			"7 EUR 1 2 0 2 2 5 - -",
		},
		"what is a nanosecond before it is late, and the chain goes on": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{b.posted(1, 5, "EUR", units(1), 7), b.posted(1, 4, "EUR", units(2), 7), b.posted(1, 5, "EUR", units(4), 7)}}
			},
			"1 7 EUR 1 - - -\n2 7 EUR - - - -\n3 7 EUR 2 1 - -",
			"7 EUR 1 7 0 3 2 5 2 -",
		},
		"a late entry of an earlier day gives it a closing, and changes those after": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{
					{b.posted(1, 5, "EUR", units(1), 7), b.posted(5, 6, "EUR", units(2), 7), b.posted(9, 7, "EUR", units(4), 7)},
					{b.posted(3, 9, "EUR", units(8), 7)},
				}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -\n3 7 EUR 3 2 - -\n4 7 EUR - - - -",
			"7 EUR 1 1 0 1 1 5 - -\n7 EUR 3 9 0 1 1 5 8 -\n7 EUR 5 11 0 2 2 6 8 -\n7 EUR 9 15 0 3 3 7 8 -",
		},
		"a late entry before all others has no entry of the chain before it": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{{b.posted(5, 6, "EUR", units(2), 7), b.posted(-3, 9, "EUR", units(8), 7)}}
			},
			"1 7 EUR 1 - - -\n2 7 EUR - - - -",
			"7 EUR -3 8 0 - - - 8 -\n7 EUR 5 10 0 1 1 6 8 -",
		},
		"late entries of several days come together, with one in order on the day of the last": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{
					{b.posted(5, 0, "EUR", units(1), 7), b.posted(9, 0, "EUR", units(2), 7)},
					{
						b.posted(8, 0, "EUR", units(4), 7), b.posted(9, 1, "EUR", units(8), 7), b.posted(6, 0, "EUR", units(16), 7),
						b.posted(8, 1, "EUR", units(32), 7), b.posted(11, 0, "EUR", units(64), 7), b.posted(9, 1, "EUR", units(128), 7),
					},
				}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -\n3 7 EUR - - - -\n4 7 EUR 3 2 - -\n5 7 EUR - - - -\n6 7 EUR - - - -\n7 7 EUR 4 4 - -\n8 7 EUR - - - -",
			"7 EUR 5 1 0 1 1 0 - -\n7 EUR 6 17 0 1 1 0 16 -\n7 EUR 8 53 0 1 1 0 52 -\n7 EUR 9 191 0 4 3 1 180 -\n7 EUR 11 255 0 7 4 0 180 -",
		},
		"what a batch changes before the day of its late entry is written too": {
			func(b *book) [][]projector.Event {
				return [][]projector.Event{
					{b.posted(5, 0, "EUR", units(1), 7)},
					{b.posted(5, 0, "EUR", units(2), 7), b.posted(7, 0, "EUR", units(4), 7), b.posted(6, 0, "EUR", units(8), 7)},
				}
			},
			"1 7 EUR 1 - - -\n2 7 EUR 2 1 - -\n3 7 EUR 3 2 - -\n4 7 EUR - - - -",
			"7 EUR 5 3 0 2 2 0 - -\n7 EUR 6 11 0 2 2 0 8 -\n7 EUR 7 15 0 3 3 0 8 -",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			for _, batch := range test.batches(&book{}) {
				s.apply(batch)
			}
			if diff := gocmp.Diff(test.links, s.rows(links)); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := gocmp.Diff(test.totals, s.rows(totals)); diff != "" {
				t.Errorf("closings (-want +got):\n%s", diff)
			}
		})
	}
}

// Every 64th entry of a chain has its totals, without those of late entries.
func TestMarks(t *testing.T) {
	s, b := newScene(t), &book{}
	var events []projector.Event
	for range 63 {
		events = append(events, b.posted(2, 0, "EUR", units(1), 7))
	}
	s.apply(append(events, b.posted(1, 0, "EUR", units(1000), 7), credit(b.posted(1, 0, "EUR", units(1000), 7))))
	s.apply([]projector.Event{b.posted(1, 0, "EUR", units(1000), 7), credit(b.posted(2, 0, "EUR", units(1), 7, 7))})
	events = events[:0]
	for range 63 {
		events = append(events, b.posted(3, 0, "EUR", units(1), 7))
	}
	s.apply(events)
	got := s.rows(`SELECT entry_id, place, debits, credits FROM entries WHERE debits IS NOT NULL ORDER BY entry_id`)
	if want := "67 64 63 1\n131 128 126 2"; got != want {
		t.Errorf("marks:\n%s\nwant:\n%s", got, want)
	}
}

func credit(event projector.Event) projector.Event {
	if posted, ok := event.Body.(ledger.TransactionPosted); ok {
		for i := range posted.Entries {
			posted.Entries[i].Side = ledger.Credit
		}
	}
	return event
}

// The rows depend on the events alone: not on how they are put into batches, on what is remembered from one to the next,
// or on transactions that came to nothing.
func TestBatchesMakeNoDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	b := &book{}
	events := []projector.Event{b.opened(7), b.opened(8)}
	clock := 0
	for range 400 {
		clock += random.IntN(3)
		day, nano := clock/40, clock%40/8
		if random.IntN(9) == 0 {
			day -= random.IntN(4)
		}
		asset := []money.Asset{"EUR", "JPY"}[random.IntN(2)]
		events = append(events, b.posted(day, nano, asset, units(1+random.Uint64N(99)), []int64{7, 8, 7}[:1+random.IntN(3)]...))
	}
	whole := newScene(t)
	whole.apply(events)
	if n := strings.Count(whole.rows(lateOnes), "\n"); n < 20 {
		t.Errorf("only %d entries are late", n)
	}
	for name, next := range map[string]func(s *scene) (size int){
		"put off": func(s *scene) int {
			deferrer, _ := s.applier.(projector.Deferrer)
			deferrer.Defer()
			if random.IntN(5) == 0 {
				s.flush()
			}
			return 1 + random.IntN(40)
		},
		"one by one":           func(*scene) int { return 1 },
		"forgetful":            func(s *scene) int { s.applier.Reset(); return 1 + random.IntN(40) },
		"by another each time": func(s *scene) int { s.applier = entries.Projection().New(1); return 1 + random.IntN(40) },
		"with failures": func(s *scene) int {
			s.abandon([]projector.Event{(&book{}).posted(random.IntN(20), 0, "EUR", units(5), 7, 8)})
			return 1 + random.IntN(40)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			for rest := events; len(rest) > 0; {
				n := min(next(s), len(rest))
				s.apply(rest[:n])
				rest = rest[n:]
			}
			s.flush()
			for _, query := range []string{everyEntry, totals} {
				if diff := gocmp.Diff(whole.rows(query), s.rows(query)); diff != "" {
					t.Errorf("(-whole +parts):\n%s", diff)
				}
			}
		})
	}
}

func TestTotalsThatPassTheLargestAmountFail(t *testing.T) {
	largest := money.FromWords(math.MaxUint64, math.MaxUint64)
	for name, event := range map[string]projector.Event{
		"in order": (&book{}).posted(5, 0, "EUR", largest, 7),
		"late":     (&book{}).posted(2, 0, "EUR", largest, 7),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.apply([]projector.Event{(&book{}).posted(4, 0, "EUR", units(1), 7)})
			err := s.db.Update(t.Context(), func(tx *views.Tx) error { return s.applier.Apply(tx, []projector.Event{event}) })
			if !errors.Is(err, projector.ErrTotal) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What was forgotten is read in parts of some hundred chains; the chains of other assets and earlier days are none of it.
func TestManyForgottenChainsGoOnWhereTheyEnded(t *testing.T) {
	const accounts = 257
	forgetful, mindful := newScene(t), newScene(t)
	for round := range 3 {
		var batch []projector.Event
		b := &book{transactions: uint64(round) * 2 * accounts}
		for account := range int64(accounts) {
			if round == 0 {
				batch = append(batch, b.opened(account+1))
			}
			other := (account+13)%accounts + 1
			batch = append(batch, b.posted(round/2, round, "EUR", units(uint64(account+1)), account+1, other), b.posted(round, 0, "USD", units(7), other))
		}
		if round == 0 { // whose accounts have to be there for those that they are posted to
			slices.SortStableFunc(batch, func(a, b projector.Event) int { return cmp.Compare(a.Revision, b.Revision) })
		}
		forgetful.apply(batch)
		forgetful.applier.Reset()
		mindful.apply(batch)
	}
	for _, query := range []string{links, totals} {
		if diff := gocmp.Diff(mindful.rows(query), forgetful.rows(query)); diff != "" {
			t.Errorf("rows of one that remembers and of one that forgets:\n%s", diff)
		}
	}
}

func TestOnPostgreSQL(t *testing.T) {
	viewstest.OnPostgreSQL(t, TestLinks, TestMarks, TestBatchesMakeNoDifference, TestTotalsThatPassTheLargestAmountFail,
		TestManyForgottenChainsGoOnWhereTheyEnded)
}
