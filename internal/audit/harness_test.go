package audit_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// scribe writes a log as the engine does: it decides commands, seals the events, and appends them.
type scribe struct {
	t     testing.TB
	path  string
	store *sqlstore.Store
	books map[string]*written
	ids   uint64
}

// written is a ledger as far as it was written.
type written struct {
	book *ledger.Book
	next uint64
	hash envelope.Hash
}

func newScribe(t testing.TB) *scribe {
	t.Helper()
	s := &scribe{t: t, path: filepath.Join(t.TempDir(), "events.db"), books: map[string]*written{}}
	s.open()
	t.Cleanup(s.close)
	return s
}

func (s *scribe) open() {
	s.t.Helper()
	var err error
	if s.store, err = sqlstore.Open(context.Background(), s.path, sqlstore.Options{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scribe) close() {
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *scribe) ledger(name string) *written {
	w := s.books[name]
	if w == nil {
		w = &written{book: ledger.NewBook()}
		s.books[name] = w
	}
	return w
}

// do decides commands one after another and appends all that happens in one piece.
func (s *scribe) do(name string, commands ...ledger.Command) {
	s.t.Helper()
	w := s.ledger(name)
	var all []ledger.Event
	for _, c := range commands {
		if err := ledger.Validate(c); err != nil {
			s.t.Fatal(err)
		}
		events, err := ledger.Decide(w.book, c, start)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range events {
			if err := ledger.Evolve(w.book, e); err != nil {
				s.t.Fatal(err)
			}
		}
		all = append(all, events...)
	}
	s.write(name, all...)
}

// write appends events in one piece, whether or not they can be.
func (s *scribe) write(name string, events ...ledger.Event) {
	s.t.Helper()
	w := s.ledger(name)
	expected := eventstore.NoStream()
	if w.next > 0 {
		expected = eventstore.At(eventstore.Revision(w.next - 1))
	}
	var records []eventstore.Record
	for _, e := range events {
		records = append(records, s.record(name, w, e))
	}
	if _, err := s.store.Append(context.Background(), ledgername.Stream(name), expected, records); err != nil {
		s.t.Fatal(err)
	}
}

// record seals an event.
func (s *scribe) record(name string, w *written, event ledger.Event) eventstore.Record {
	s.t.Helper()
	encoded, err := ledger.Encode(event)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ids++
	e := envelope.Envelope{
		ID: eventstore.ID{6: 0x70, 14: byte(s.ids >> 8), 15: byte(s.ids)}, Schema: encoded.Version, RecordedAt: start.Add(time.Duration(s.ids)),
		Actor: "anonymous", Correlation: fmt.Sprintf("0198c0de-0000-7000-8000-%012x", s.ids/16), Previous: w.hash,
	}
	if err := e.Seal(envelope.Place{Stream: ledgername.Stream(name), Revision: w.next, Type: encoded.Type}, encoded.Data); err != nil {
		s.t.Fatal(err)
	}
	w.next++
	w.hash = e.Hash
	return eventstore.Record{ID: e.ID, Type: encoded.Type, Data: encoded.Data, Metadata: e.AppendJSON(nil)}
}

func open(name string) ledger.Command { return ledger.OpenLedger{Name: name, Template: ledger.Wallets} }

// pay moves an amount.
func pay(from, to string, amount uint64) ledger.PostTransaction {
	return ledger.PostTransaction{Movement: ledger.Movement{Entries: []ledger.Entry{
		{Account: address.Address(from), Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(amount)},
		{Account: address.Address(to), Asset: "USD/2", Side: ledger.Credit, Amount: money.NewAmount(amount)},
	}, EffectiveAt: start}}
}

// verify verifies what the file has.
func (s *scribe) verify(o audit.Options) *audit.Report {
	s.t.Helper()
	log, err := sqlstore.OpenLog(s.t.Context(), s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	report, err := audit.Verify(s.t.Context(), log, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}
