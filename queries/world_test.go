package queries_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
	"github.com/daybook-ledger/daybook/projections/viewstest"
	"github.com/daybook-ledger/daybook/queries"
)

// world is a log, the read models made from as much of it as a test wants, and the queries over both. In a test that runs on
// PostgreSQL there are read models of both kinds, and whatever is asked is asked of both, whose answers must be the same.
type world struct {
	testing.TB
	*side

	other *side // in PostgreSQL, or nil
	log   *memstore.Store
	board *watermark.Board

	clock  time.Time
	books  map[string]*ledger.Book
	hashes map[string]envelope.Hash
	events map[string][]projector.Event
}

// side is the read models in one database, with the queries over them.
type side struct {
	views   *views.DB
	reading *sqlx.DB
	queries *queries.Queries
	handler http.Handler
	models  map[string]*model
}

// model is one projection, and how far it has come with each ledger.
type model struct {
	views      *views.DB
	name       string
	generation views.Generation
	applier    projector.Applier
	ids        *views.IDs
	next       map[string]uint64
}

func newWorld(t testing.TB, options ...func(*queries.Options)) *world {
	t.Helper()
	w := &world{
		TB: t, log: memstore.New(), board: watermark.New(),
		clock:  time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		books:  make(map[string]*ledger.Book),
		hashes: make(map[string]envelope.Hash),
		events: make(map[string][]projector.Event),
	}
	o := queries.Options{History: w.log, Board: w.board}
	for _, option := range options {
		option(&o)
	}
	w.side = newSide(t, filepath.Join(t.TempDir(), "views.db"), o)
	if viewstest.InPostgreSQL(t) {
		w.other = newSide(t, viewstest.Place(t), o)
	}
	return w
}

func newSide(t testing.TB, place string, o queries.Options) *side {
	t.Helper()
	db, err := projections.OpenViews(t.Context(), place)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	reading, err := queries.OpenViews(place)
	must(t, err)
	t.Cleanup(func() { must(t, reading.Close()) })
	o.Views = reading
	q := queries.New(o)
	t.Cleanup(func() { must(t, q.Close()) })
	e := httpx.New(httpx.Options{Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	q.Register(e.Group("/v1"))
	return &side{views: db, reading: reading, queries: q, handler: e, models: modelsOf(t, db)}
}

func modelsOf(t testing.TB, db *views.DB) map[string]*model {
	t.Helper()
	var live []views.Generation
	must(t, db.Update(t.Context(), func(tx *views.Tx) (err error) {
		live, err = tx.Generations()
		return err
	}))
	models := make(map[string]*model)
	for _, p := range projections.All() {
		for _, generation := range live {
			if generation.Projection == p.Model.Name {
				models[p.Model.Name] = &model{
					views: db, name: p.Model.Name, generation: generation, applier: p.New(generation.Number),
					ids: views.NewIDs(), next: make(map[string]uint64),
				}
			}
		}
	}
	return models
}

// open opens a ledger in which nothing is forbidden.
func (w *world) open(name string) {
	w.Helper()
	w.do(name, ledger.OpenLedger{Name: name, Template: ledger.General, Metadata: ledger.Metadata{"of": name}})
}

// do decides a command and writes what happened to the log. The read models do not know it until they are projected.
func (w *world) do(name string, commands ...ledger.Command) {
	w.Helper()
	var records []eventstore.Record
	for _, command := range commands {
		some, err := w.decide(name, command)
		must(w, err)
		records = append(records, some...)
	}
	w.append(name, records)
}

// try is do for one command, which may be refused.
func (w *world) try(name string, command ledger.Command) (accepted bool) {
	w.Helper()
	records, err := w.decide(name, command)
	if err == nil {
		w.append(name, records)
	}
	return err == nil
}

func (w *world) decide(name string, command ledger.Command) (records []eventstore.Record, err error) {
	w.Helper()
	book := w.books[name]
	if book == nil {
		book = ledger.NewBook()
		w.books[name] = book
	}
	must(w, ledger.Validate(command))
	w.clock = w.clock.Add(time.Millisecond)
	events, err := ledger.Decide(book, command, w.clock)
	for _, event := range events {
		must(w, ledger.Evolve(book, event))
		records = append(records, w.record(name, event))
	}
	return records, err
}

func (w *world) append(name string, records []eventstore.Record) {
	w.Helper()
	if len(records) == 0 {
		return
	}
	_, err := w.log.Append(w.Context(), "ledger-"+name, eventstore.Any(), records)
	must(w, err)
}

// revert is the command that reverts a transaction.
func (w *world) revert(name string, id uint64) ledger.RevertTransaction {
	w.Helper()
	for _, e := range w.events[name] {
		if posted, ok := e.Body.(ledger.TransactionPosted); ok && posted.ID == id {
			return ledger.RevertTransaction{ID: id, Original: posted.Entries}
		}
	}
	w.Fatalf("there is no transaction %d", id)
	return ledger.RevertTransaction{}
}

// day is a date as the ledger has it.
func day(text string) ledger.Day {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return ledger.Day(at.Unix() / (24 * 60 * 60))
}

func (w *world) record(name string, event ledger.Event) eventstore.Record {
	encoded, err := ledger.Encode(event)
	must(w, err)
	revision := uint64(len(w.events[name]))
	e := envelope.Envelope{Schema: encoded.Version, RecordedAt: w.clock, Actor: "tester", Correlation: "request-7", Previous: w.hashes[name]}
	binary.BigEndian.PutUint64(e.ID[8:], revision+1)
	must(w, e.Seal(envelope.Place{Stream: "ledger-" + name, Revision: revision, Type: encoded.Type}, encoded.Data))
	w.hashes[name] = e.Hash
	w.events[name] = append(w.events[name], projector.Event{Ledger: name, Revision: revision, RecordedAt: w.clock, Actor: "tester", Body: event})
	return eventstore.Record{ID: e.ID, Type: encoded.Type, Data: encoded.Data, Metadata: e.AppendJSON(nil)}
}

// project brings projections up to the end of the log: those named, or all.
func (w *world) project(names ...string) {
	w.Helper()
	for name, m := range w.models {
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		for of, events := range w.events {
			if uint64(len(events)) > m.next[of] {
				w.apply(m, of, events[m.next[of]:])
			}
		}
	}
}

func (w *world) apply(m *model, of string, events []projector.Event) {
	w.Helper()
	m.apply(w.TB, of, events)
	if w.other != nil {
		w.other.models[m.name].apply(w.TB, of, events)
	}
	w.board.Publish(m.name, of, m.next[of]-1)
}

func (m *model) apply(t testing.TB, of string, events []projector.Event) {
	t.Helper()
	from, to := m.next[of], m.next[of]+uint64(len(events))
	must(t, m.views.Update(t.Context(), func(tx *views.Tx) error {
		batch := append([]projector.Event(nil), events...)
		id, err := m.ids.Ledger(tx, of)
		if err != nil {
			return err
		}
		if err := m.number(tx, id, batch); err != nil {
			return err
		}
		if err := m.applier.Apply(tx, batch); err != nil {
			return err
		}
		return tx.Advance(m.generation, id, from, to)
	}))
	m.next[of] = to
}

// number looks up the accounts of all events at once, as a look-up costs much the same for one and for many.
func (m *model) number(tx *views.Tx, ledgerID int64, batch []projector.Event) error {
	var keys []views.AccountKey
	ends := make([]int, len(batch))
	for i := range batch {
		one, entries := projector.Addresses(batch[i].Body)
		if one != "" {
			keys = append(keys, views.AccountKey{LedgerID: ledgerID, Address: string(one)})
		}
		for _, entry := range entries {
			keys = append(keys, views.AccountKey{LedgerID: ledgerID, Address: string(entry.Account)})
		}
		ends[i] = len(keys)
	}
	numbers, start := make([]int64, len(keys)), 0
	if err := m.ids.Accounts(tx, keys, numbers); err != nil {
		return err
	}
	for i, end := range ends {
		batch[i].LedgerID, batch[i].Accounts = ledgerID, numbers[start:end]
		start = end
	}
	return nil
}

// head is the revision of a ledger's last event.
func (w *world) head(name string) uint64 { return uint64(len(w.events[name]) - 1) }

// transfer is a transaction of one transfer. at is empty, a date or a time.
func transfer(from, to, asset, amount, at string) ledger.PostTransaction {
	p := ledger.PostTransaction{Movement: ledger.Movement{Entries: []ledger.Entry{
		{Account: address.Address(from), Asset: money.Asset(asset), Side: ledger.Debit, Amount: amountOf(amount)},
		{Account: address.Address(to), Asset: money.Asset(asset), Side: ledger.Credit, Amount: amountOf(amount)},
	}}}
	if at != "" {
		moment, err := httpx.ParseMoment(at)
		if err != nil {
			panic(err)
		}
		p.EffectiveAt = moment.Time
	}
	return p
}

func amountOf(text string) money.Amount {
	a, err := money.ParseAmount(text)
	if err != nil {
		panic(err)
	}
	return a
}

// reply is an answer as a client sees it.
type reply struct {
	testing.TB

	path   string
	status int
	header http.Header
	body   []byte
}

func (w *world) get(path string, header ...string) reply {
	w.Helper()
	return w.getContext(w.Context(), path, header...)
}

func (w *world) getContext(ctx context.Context, path string, header ...string) reply {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer := w.ask(w.side, r)
	if w.other != nil {
		answer.sameAs(w.ask(w.other, r))
	}
	return answer
}

func (w *world) ask(of *side, r *http.Request) reply {
	recorder := httptest.NewRecorder()
	of.handler.ServeHTTP(recorder, r)
	return reply{TB: w.TB, path: r.URL.String(), status: recorder.Code, header: recorder.Header(), body: recorder.Body.Bytes()}
}

// sameAs compares all that a client sees, but for the number of the request.
func (r reply) sameAs(other reply) {
	r.Helper()
	for _, header := range []http.Header{r.header, other.header} {
		header.Del(echo.HeaderXRequestID)
	}
	got := fmt.Sprintf("%d %v\n%s", other.status, other.header, other.body)
	if want := fmt.Sprintf("%d %v\n%s", r.status, r.header, r.body); got != want {
		r.Fatalf("GET %s: with read models in PostgreSQL the answer is\n%s\nand in SQLite\n%s", r.path, got, want)
	}
}

// ok decodes a 200 strictly.
func (r reply) ok(into any) reply {
	r.Helper()
	if r.status != http.StatusOK {
		r.Fatalf("GET %s: status %d: %s", r.path, r.status, r.body)
	}
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		r.Fatalf("GET %s: %v in %s", r.path, err, r.body)
	}
	return r
}

// at checks the revision of the answer.
func (r reply) at(revision uint64) reply {
	r.Helper()
	if got := r.header.Get("Daybook-Revision"); got != strconv.FormatUint(revision, 10) {
		r.Errorf("GET %s: Daybook-Revision %q, want %d", r.path, got, revision)
	}
	return r
}

// fails checks a problem's status and code, and gives its pointers and detail.
func (r reply) fails(status int, code string) (detail string) {
	r.Helper()
	var p struct {
		Code   string
		Detail string
		Errors []struct{ Pointer, Detail string }
	}
	if err := json.Unmarshal(r.body, &p); err != nil || r.status != status || p.Code != code {
		r.Fatalf("GET %s: %d %s, want %d %s", r.path, r.status, r.body, status, code)
	}
	return fmt.Sprint(p.Errors, p.Detail)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
