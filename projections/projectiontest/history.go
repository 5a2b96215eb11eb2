package projectiontest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// History appends random events to a store: those of several ledgers, in which accounts are opened with and without limits
// of their own, transactions count in order, late, long ago and far in the future, are reversed and described anew, holds
// come and go, charts change, and so on. They follow from one another as the log's do, except that no limit is heeded.
type History struct {
	store   eventstore.Store
	random  *rand.Rand
	ledgers []*book
	clock   time.Time
	seed    uint64 // of which the ids of events are, with a serial number
	serial  uint64
	// Model is what the read models must hold after all events so far; nil after Load.
	Model *Model
}

// book is a ledger in the making.
type book struct {
	name         string
	revision     uint64
	previous     envelope.Hash
	accounts     []address.Address
	transactions uint64

	posted []ledger.TransactionPosted // those that no other reverts
	holds  []openHold
	placed uint64
	closed map[address.Address]bool
	days   []ledger.Day // closings in force

	assertions uint64
}

// NewHistory starts a history of as many ledgers. The same seed makes the same history.
func NewHistory(store eventstore.Store, seed uint64, ledgers int) *History {
	h := &History{
		store: store, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), Model: newModel(), //nolint:gosec // not for secrets
		clock: time.Date(2026, time.January, 30, 23, 59, 0, 0, time.UTC),
	}
	for i := range ledgers {
		h.ledgers = append(h.ledgers, &book{
			name: fmt.Sprintf("book-%d", i), closed: make(map[address.Address]bool),
		})
	}
	return h
}

// Append appends about so many events, in appends of one to twenty.
func (h *History) Append(ctx context.Context, events int) error {
	for events > 0 {
		b := h.ledgers[h.random.IntN(len(h.ledgers))]
		var some []ledger.Event
		for range 1 + h.random.IntN(20) {
			some = append(some, h.next(b, b.revision+uint64(len(some)))...)
		}
		if err := h.append(ctx, b, some); err != nil {
			return err
		}
		events -= len(some)
	}
	return nil
}

// AppendEvent appends one event to the first ledger, as it is.
func (h *History) AppendEvent(ctx context.Context, event ledger.Event) error {
	return h.append(ctx, h.ledgers[0], []ledger.Event{event})
}

func (h *History) append(ctx context.Context, b *book, events []ledger.Event) error {
	expected := eventstore.NoStream()
	if b.revision > 0 {
		expected = eventstore.At(eventstore.Revision(b.revision - 1))
	}
	var records []eventstore.Record
	for _, event := range events {
		if h.Model != nil {
			h.clock = h.clock.Add(time.Duration(h.random.IntN(int(40 * time.Minute))))
			h.Model.apply(b.name, b.revision, h.clock, event)
		}
		record, err := h.seal(b, event)
		if err != nil {
			return err
		}
		records = append(records, record)
		b.revision++
	}
	if _, err := h.store.Append(ctx, "ledger-"+b.name, expected, records); err != nil {
		return fmt.Errorf("append to ledger %s: %w", b.name, err)
	}
	return nil
}

func (h *History) seal(b *book, event ledger.Event) (eventstore.Record, error) {
	encoded, err := ledger.Encode(event)
	if err != nil {
		return eventstore.Record{}, fmt.Errorf("encode: %w", err)
	}
	h.serial++
	sealed := envelope.Envelope{Schema: encoded.Version, RecordedAt: h.clock, Actor: actor, Previous: b.previous}
	binary.BigEndian.PutUint64(sealed.ID[:8], h.seed)
	binary.BigEndian.PutUint64(sealed.ID[8:], h.serial)
	place := envelope.Place{Stream: "ledger-" + b.name, Revision: b.revision, Type: encoded.Type}
	if err := sealed.Seal(place, encoded.Data); err != nil {
		return eventstore.Record{}, fmt.Errorf("seal: %w", err)
	}
	b.previous = sealed.Hash
	return eventstore.Record{
		ID: eventstore.ID(sealed.ID), Type: encoded.Type, Data: encoded.Data, Metadata: sealed.AppendJSON(nil),
	}, nil
}

const actor = "alice \"the auditor\""

// next makes what happens next, from a revision on: a transaction, or something that comes once in a while.
func (h *History) next(b *book, revision uint64) []ledger.Event {
	if b.revision == 0 && len(b.accounts) == 0 {
		b.accounts = append(b.accounts, "world")
		return []ledger.Event{h.opening(b), ledger.AccountOpened{Address: "world", Type: ledger.Liability, Implicit: true}}
	}
	if len(b.accounts) < 3 {
		return []ledger.Event{h.account(b)}
	}
	const chances = 40
	switch h.random.IntN(chances) {
	case 0, 1, 2, 3:
		return []ledger.Event{h.account(b)}
	case 4, 5, 6, 7: //nolint:mnd // how often
		return []ledger.Event{h.place(b, revision)}
	case 8, 9, 10, 11: //nolint:mnd // how often
		return h.endHold(b)
	case 12, 13: //nolint:mnd // how often
		return h.revert(b)
	case 14, 15, 16, 17, 18: //nolint:mnd // how often
		return h.change(b)
	default:
		return []ledger.Event{h.transaction(b)}
	}
}

func (h *History) opening(b *book) ledger.Event {
	opened := ledger.LedgerOpened{Name: b.name, Template: ledger.General, Metadata: ledger.Metadata{"owner": "<b> & \"c\""}}
	if h.random.IntN(2) == 0 {
		opened.Template = ledger.Wallets
	}
	opened.Chart, _ = opened.Template.Chart()
	opened.Chart.Rules = append([]ledger.Rule{{
		Pattern: "users:*:credit", Type: ledger.Asset, Limits: limits("-100", "100000"), Assets: []money.Asset{"USD/2"},
	}}, opened.Chart.Rules...)
	return opened
}

func limits(least, most string) ledger.Limits {
	low, _ := money.ParseSigned(least)
	high, _ := money.ParseSigned(most)
	return ledger.Limits{Min: &low, Max: &high}
}

func (h *History) account(b *book) ledger.Event {
	kinds := []string{"users:u%d", "users:u%d:credit", "assets:Bank %d", "Größe:ß%d", "incomes:%d:a\\b"}
	name := fmt.Sprintf(kinds[h.random.IntN(len(kinds))], len(b.accounts))
	opened := ledger.AccountOpened{Address: address.Address(name), Type: ledger.Asset, Implicit: h.random.IntN(2) == 0}
	if h.random.IntN(3) == 0 {
		opened.Limits.Min = limits("-5", "5").Min
		opened.Metadata = ledger.Metadata{"k": "tab\there", "ключ": "значение"}
	}
	b.accounts = append(b.accounts, opened.Address)
	return opened
}

func (h *History) transaction(b *book) ledger.Event {
	b.transactions++
	posted := ledger.TransactionPosted{ID: b.transactions, EffectiveAt: h.effective(), Entries: h.entries(b)}
	if h.random.IntN(4) == 0 {
		posted.Reference = fmt.Sprintf("invoice-%d", posted.ID)
		posted.Description = "line one\nline \"two\" <three>"
		posted.Metadata = h.metadata()
	}
	if h.random.IntN(10) == 0 {
		posted.IntendedAt = posted.EffectiveAt.AddDate(0, 0, -h.random.IntN(20)-1)
	}
	b.posted = append(b.posted, posted)
	return posted
}

// entries are one to three transfers, each a debit and a credit.
func (h *History) entries(b *book) (entries []ledger.Entry) {
	for range 1 + h.random.IntN(3) {
		asset := []money.Asset{"USD/2", "BTC/8", "JPY"}[h.random.IntN(3)]
		amount := money.FromWords(h.random.Uint64N(1<<40)*h.random.Uint64N(2), 1+h.random.Uint64N(1<<40))
		for _, side := range []ledger.Side{ledger.Debit, ledger.Credit} {
			account := b.accounts[h.random.IntN(len(b.accounts))]
			if h.random.IntN(2) == 0 { // which thus gets long chains
				account = b.accounts[0]
			}
			entries = append(entries, ledger.Entry{Account: account, Asset: asset, Side: side, Amount: amount})
		}
	}
	return entries
}

func (h *History) metadata() ledger.Metadata {
	metadata := ledger.Metadata{"order": strconv.Itoa(h.random.IntN(9)), "a": "b"}
	if h.random.IntN(2) == 0 {
		delete(metadata, "a")
		metadata["\"k\"\n"] = "<v>"
	}
	return metadata
}

// effective are times that are mostly in order, often the same, and now and then late, early, long ago or never.
func (h *History) effective() time.Time {
	switch h.random.IntN(20) {
	case 0, 1, 2: // late by days
		return h.clock.AddDate(0, 0, -h.random.IntN(50))
	case 3: // early
		return h.clock.Add(time.Duration(h.random.IntN(int(9 * time.Hour))))
	case 4:
		return h.clock.Truncate(24 * time.Hour)
	case 5: //nolint:mnd // how often
		years := []int{1, 1677, 1969, 1970}
		if h.random.IntN(20) == 0 { // nothing is in order after that
			years = []int{2262, 9999}
		}
		return time.Date(years[h.random.IntN(len(years))], 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	case 6, 7, 8, 9: //nolint:mnd // how often
		return h.clock.Truncate(6 * time.Hour)
	default:
		return h.clock
	}
}

// Heads are the revisions of the last events, by ledger.
func (h *History) Heads() map[string]uint64 {
	heads := make(map[string]uint64)
	for _, b := range h.ledgers {
		if b.revision > 0 {
			heads[b.name] = b.revision - 1
		}
	}
	return heads
}
