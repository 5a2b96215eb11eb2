package commands

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func (h *Handlers) bulk(c echo.Context) error {
	media, err := httpx.MediaType(c.Request(), httpx.MediaJSON, httpx.MediaNDJSON)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	if media == httpx.MediaNDJSON {
		return h.stream(c, key)
	}
	body, err := httpx.ReadBody(c, h.bulkLimit)
	if err != nil {
		return err
	}
	b, problem := decodeBulk(body.Bytes())
	body.Release()
	if problem != nil {
		return problem
	}
	name, err := ledgerName(c)
	if err != nil {
		return err
	}
	return h.submitBulk(c, name, key, b)
}

// submitBulk submits the commands of good shape as one unit, and answers with the results of all.
func (h *Handlers) submitBulk(c echo.Context, name, key string, b *bulk) error {
	if b.atomic {
		for i := range b.items {
			if p := b.items[i].problem; p != nil {
				return bulkRejected(i, p)
			}
		}
	}
	unit := Unit{Atomic: b.atomic, Key: key, Actor: h.actor(c), Correlation: httpx.RequestID(c)}
	if key != "" {
		unit.Request = b.digest()
	}
	unit.Commands = b.commands(key, unit.Request)
	if len(unit.Commands) == 0 {
		// No command is fit to be decided. What is left to tell is whether the ledger exists, and its revision.
		return h.answerUnfit(c, name, b)
	}
	result, err := h.submit(c.Request().Context(), name, unit)
	var refused *engine.RefusedError
	if errors.As(err, &refused) {
		cause := problemOf(refused.Err)
		if cause.Code == httpx.CodeLedgerNotFound {
			return cause
		}
		return bulkRejected(refused.Index, within(cause, commandData(refused.Index)))
	}
	if err != nil {
		return problemOf(err)
	}
	if !result.Exists {
		return ledgerNotFound(name)
	}
	return h.writeResults(c, name, b, &result)
}

func commandData(i int) string { return "/commands/" + strconv.Itoa(i) + "/data" }

func bulkRejected(index int, cause *httpx.Problem) *httpx.Problem {
	p := httpx.NewProblem(httpx.CodeBulkRejected, "Command %d of the bulk was rejected, so none was applied: %s",
		index, cause.Text())
	p.Errors = cause.Errors
	return p.With("index", index).With("cause", resultOf(cause))
}

// result is a rejection as the results of a bulk have it.
type result struct{ *httpx.Problem }

func resultOf(p *httpx.Problem) result { return result{p} }

// MarshalJSON writes {status, title, code, detail, …}.
func (r result) MarshalJSON() ([]byte, error) { return r.appendJSON(nil), nil }

func (r result) appendJSON(b []byte) []byte {
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(r.Status()), 10)
	b = append(b, `,"title":`...)
	b = wire.AppendString(b, r.Title())
	b = append(b, ',')
	return append(r.AppendMembers(b), '}')
}

// writeResults answers with one result a command, in order. The revision is that of the last event that the commands
// caused, now or when they were first sent; the ledger's where they caused none.
func (h *Handlers) writeResults(c echo.Context, name string, b *bulk, r *Result) error {
	buf := buffers.get()
	defer buffers.put(buf)
	out := append(*buf, `{"results":[`...)
	answers := r.Answers
	var revision uint64
	accepted, replayed := 0, 0
	for i := range b.items {
		if i > 0 {
			out = append(out, ',')
		}
		if p := b.items[i].problem; p != nil {
			out = resultOf(p).appendJSON(out)
			continue
		}
		a := &answers[0]
		answers = answers[1:]
		if a.Err != nil {
			out = resultOf(within(problemOf(a.Err), commandData(i))).appendJSON(out)
			continue
		}
		accepted++
		if a.Replayed {
			replayed++
		}
		revision = max(revision, uint64(a.Events[len(a.Events)-1].Revision))
		var err error
		out = append(out, `{"status":`...)
		out = strconv.AppendInt(out, int64(statusOf(a.Events[subjectOf(a.Events)].Event)), 10)
		out = append(out, ',')
		if out, err = h.appendAccepted(c.Request().Context(), out, name, a); err != nil {
			return err
		}
		out = append(out, '}')
	}
	if accepted == 0 {
		revision = uint64(r.Revision)
	}
	out = append(out, `],"revision":`...)
	out = strconv.AppendUint(out, revision, 10)
	out = append(out, '}')
	*buf = out
	if replayed > 0 && replayed == accepted {
		c.Response().Header().Set(headerReplayed, "true")
	}
	httpx.SetRevision(c, revision)
	return httpx.Answer(c, http.StatusOK, *buf)
}

// answerUnfit answers a bulk none of whose commands has a good shape.
func (h *Handlers) answerUnfit(c echo.Context, name string, b *bulk) error {
	result, err := h.probe(c, name)
	if err != nil {
		return err
	}
	return h.writeResults(c, name, b, &result)
}

// probe tells whether a ledger exists and where it stands: any command tells when it is only tried.
func (h *Handlers) probe(c echo.Context, name string) (Result, error) {
	result, err := h.ledgers.Submit(c.Request().Context(), ledgername.Stream(name), Unit{
		Commands: []command{{Command: ledger.OpenAccount{Address: "probe"}}}, DryRun: true, Actor: h.actor(c),
	})
	if err != nil {
		return result, problemOf(err)
	}
	if !result.Exists {
		return result, ledgerNotFound(name)
	}
	return result, nil
}
