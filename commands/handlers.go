package commands

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/lag"
)

// Options are what the handlers need.
type Options struct {
	// Ledgers decides commands.
	Ledgers Submitter
	// Store is read for what events tell and books do not keep.
	Store eventstore.Store
	// Actor tells who sent a request. Nil stands for "anonymous", whoever it was.
	Actor func(echo.Context) string
	// Logger takes what clients are not told. Nil discards it.
	Logger *slog.Logger
	// Lag keeps commands from outrunning the read models. Nil does not.
	Lag *lag.Bound
	// BodyLimit and BulkLimit bound the bodies of single commands and of JSON bulks, in bytes [4 MiB, 32 MiB].
	BodyLimit int64
	BulkLimit int64
	// Around is a middleware of all routes, which can tell the ledger by [LedgerOf]. Nil is none.
	Around echo.MiddlewareFunc
}

const defaultBulkLimit = 32 << 20

// Handlers answer the requests that change ledgers.
type Handlers struct {
	ledgers   Submitter
	actor     func(echo.Context) string
	log       *slog.Logger
	history   history
	charts    *charts
	upkeep    *Upkeep
	lag       *lag.Bound
	bodyLimit int64
	bulkLimit int64
	around    []echo.MiddlewareFunc
}

// New makes the handlers.
func New(o Options) *Handlers {
	h := &Handlers{
		ledgers: o.Ledgers, actor: o.Actor, log: o.Logger, history: history{store: o.Store}, upkeep: NewUpkeep(o.Ledgers, o.Store),
		lag:       o.Lag,
		bodyLimit: o.BodyLimit, bulkLimit: o.BulkLimit,
	}
	h.charts = &charts{history: h.history, ledgers: o.Ledgers, known: map[string]ledgerCharts{}}
	if o.Around != nil {
		h.around = []echo.MiddlewareFunc{o.Around}
	}
	if h.actor == nil {
		h.actor = func(echo.Context) string { return "anonymous" }
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.bodyLimit <= 0 {
		h.bodyLimit = httpx.BodyLimit
	}
	if h.bulkLimit <= 0 {
		h.bulkLimit = defaultBulkLimit
	}
	return h
}

// Register adds the routes to a group whose prefix is "/v1".
func (h *Handlers) Register(group *echo.Group) {
	add := func(method, path string, handler echo.HandlerFunc) { group.Add(method, path, handler, h.around...) }
	add(http.MethodPost, "/ledgers", h.openLedger)
	const in = "/ledgers/:" + paramLedger
	add(http.MethodPut, in+"/chart", h.replaceChart)
	add(http.MethodPost, in+"/accounts", h.openAccount)
	add(http.MethodPatch, in+"/accounts/:account", h.setAccountMetadata)
	add(http.MethodPost, in+"/accounts/:account/close", h.closeAccount)
	add(http.MethodPost, in+"/accounts/:account/reopen", h.reopenAccount)
	add(http.MethodPost, in+"/transactions", h.postTransaction)
	add(http.MethodPatch, in+"/transactions/:id", h.setTransactionMetadata)
	add(http.MethodPost, in+"/transactions/:id/revert", h.revertTransaction)
	add(http.MethodPost, in+"/holds", h.placeHold)
	add(http.MethodPost, in+"/holds/:id/capture", h.captureHold)
	add(http.MethodPost, in+"/holds/:id/void", h.voidHold)
	add(http.MethodPost, in+"/periods/close", h.closePeriod)
	add(http.MethodPost, in+"/periods/reopen", h.reopenPeriod)
	add(http.MethodPost, in+"/assertions", h.declareAssertion)
	add(http.MethodPost, in+"/bulk", h.bulk)
}

func (h *Handlers) openLedger(c echo.Context) error {
	var body ledgerBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.command()
	if problem != nil {
		return problem
	}
	return h.single(c, cmd.Name, cmd, key, false)
}

func (h *Handlers) openAccount(c echo.Context) error {
	var body accountBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.command()
	if problem != nil {
		return problem
	}
	return h.inLedger(c, cmd, key, false)
}

func (h *Handlers) postTransaction(c echo.Context) error {
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	body, err := httpx.ReadBody(c, h.bodyLimit)
	if err != nil {
		return err
	}
	cmd, dryRun, problem := decodeTransaction(body.Bytes())
	body.Release()
	if problem != nil {
		return problem
	}
	return h.inLedger(c, cmd, key, dryRun)
}

// read takes what all single commands have: the parameters (none), the key, and the body.
func (h *Handlers) read(c echo.Context, into any) (key string, err error) {
	if key, err = idempotencyKey(c); err != nil {
		return "", err
	}
	return key, httpx.ReadJSON(c, h.bodyLimit, into)
}

// inLedger has a command decided in the ledger that the path names.
func (h *Handlers) inLedger(c echo.Context, cmd ledger.Command, key string, dryRun bool) error {
	name, err := ledgerName(c)
	if err != nil {
		return err
	}
	return h.single(c, name, cmd, key, dryRun)
}

// single submits one command and answers with what became of it.
func (h *Handlers) single(c echo.Context, name string, cmd ledger.Command, key string, dryRun bool) error {
	result, err := h.submitOne(c, name, cmd, key, dryRun)
	if err != nil {
		return err
	}
	if dryRun {
		return h.writeDryRun(c, name, &result)
	}
	return h.writeAccepted(c, name, &result.Answers[0])
}

// submitOne submits one command. The error is the problem of one that is not accepted.
func (h *Handlers) submitOne(c echo.Context, name string, cmd ledger.Command, key string, dryRun bool) (Result, error) {
	unit := Unit{
		Commands: []command{{Command: cmd, Key: key}}, DryRun: dryRun, Actor: h.actor(c), Correlation: httpx.RequestID(c),
	}
	if key != "" {
		unit.Commands[0].Request = digestOf(cmd)
	}
	result, err := h.submit(c.Request().Context(), name, unit)
	if err == nil {
		err = result.Answers[0].Err
	}
	if err != nil {
		return result, problemOf(err)
	}
	return result, nil
}

// writeAccepted answers that a command was accepted, now or when its key was first used.
func (h *Handlers) writeAccepted(c echo.Context, name string, a *answer) error {
	buf := buffers.get()
	defer buffers.put(buf)
	var err error
	*buf = append(*buf, '{')
	if *buf, err = h.appendAccepted(c.Request().Context(), *buf, name, a); err != nil {
		return err
	}
	*buf = append(*buf, '}')
	return writeAnswer(c, name, a.Events, a.Replayed, *buf)
}

// writeAnswer answers with a body about events of one command, or of two that belong together.
func writeAnswer(c echo.Context, name string, events []event, replayed bool, body []byte) error {
	subject := events[subjectOf(events)].Event
	header := c.Response().Header()
	if at := location(name, subject); at != "" {
		header.Set(echo.HeaderLocation, at)
	}
	if replayed {
		header.Set(headerReplayed, "true")
	}
	httpx.SetRevision(c, uint64(events[len(events)-1].Revision))
	return httpx.Answer(c, statusOf(subject), body)
}

// writeDryRun answers with the transaction or hold as it would be, and the revision as it is.
func (h *Handlers) writeDryRun(c echo.Context, name string, r *Result) error {
	buf := buffers.get()
	defer buffers.put(buf)
	a := &r.Answers[0]
	b, err := h.appendSubject(c.Request().Context(), append(*buf, '{'), name, a.Events)
	if err != nil {
		return err
	}
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, uint64(r.Revision), 10)
	b = append(b, `,"dry_run":true}`...)
	*buf = b
	httpx.SetRevision(c, uint64(r.Revision))
	return httpx.Answer(c, http.StatusOK, *buf)
}
