package queries

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/watermark"
)

// History is what queries need of an event store.
type History interface {
	ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error]
}

// Options are what the queries work with.
type Options struct {
	// Views reads the views database; see [OpenViews].
	Views *sqlx.DB
	// History is the event store.
	History History
	// Board is told by the projections of this process how far they are. Nil where they run elsewhere.
	Board *watermark.Board
	// PollEvery is how long a request that waits for a revision sleeps before it looks at the checkpoints again; the
	// sleeps grow to eight times that. Zero is 25 ms. A Board wakes it sooner.
	PollEvery time.Duration
	// Heartbeats makes the ticks at which an idle stream of events is written to, so that nobody on the way takes it for
	// dead, and what ends them. Nil is one every 15 s.
	Heartbeats func() (ticks <-chan time.Time, stop func())
	// SendWithin is how long the reader of a stream of events may take for what is sent to it in one piece, before it is
	// cut off. Zero is 30 s.
	SendWithin time.Duration
	// Log takes what goes wrong after an answer has begun. Nil discards it.
	Log *slog.Logger
}

// Queries has the handlers of all queries. It is safe for concurrent use.
type Queries struct {
	views   *reader
	history History
	board   *watermark.Board
	poll    time.Duration
	log     *slog.Logger

	heartbeats func() (ticks <-chan time.Time, stop func())
	sendWithin time.Duration
}

// New makes the queries. The views need not exist yet: until they do, requests fail.
func New(o Options) *Queries {
	q := &Queries{views: newReader(o.Views), history: o.History, board: o.Board, poll: o.PollEvery, log: o.Log}
	q.heartbeats, q.sendWithin = o.Heartbeats, o.SendWithin
	if q.heartbeats == nil {
		q.heartbeats = heartbeats
	}
	if q.sendWithin <= 0 {
		q.sendWithin = eventsTimeout
	}
	if q.board == nil {
		q.board = watermark.New()
	}
	if q.poll <= 0 {
		q.poll = 25 * time.Millisecond
	}
	if q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	return q
}

// Register puts the queries into the group of the API's base path.
func (q *Queries) Register(group *echo.Group) {
	group.GET("/ledgers", q.listLedgers)
	// Not a middleware of the group: for those Echo adds a route that takes all paths and methods, and a method that a path
	// does not take would be answered as a path that is not there.
	get := func(path string, answer echo.HandlerFunc) { group.GET("/ledgers/:ledger"+path, answer, q.justOpened) }
	get("", q.getLedger)
	get("/accounts", q.listAccounts)
	get("/accounts/:account", q.getAccount)
	get("/accounts/:account/entries", q.getStatement)
	get("/balances", q.getBalances)
	get("/transactions", q.listTransactions)
	get("/transactions/:id", q.getTransaction)
	get("/holds", q.listHolds)
	get("/holds/:id", q.getHold)
	get("/periods", q.getPeriods)
	get("/assertions", q.listAssertions)
	get("/assertions/:id", q.getAssertion)
	get("/events", q.getEvents)
	get("/events/stream", q.followEvents)
}

// Close releases the prepared statements. The database and the store belong to whoever opened them.
func (q *Queries) Close() error { return q.views.close() }
