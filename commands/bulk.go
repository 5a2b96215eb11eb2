package commands

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

const maxCommands = 10_000

// The types of commands in a bulk.
const (
	typePostTransaction = "post_transaction"
	typeOpenAccount     = "open_account"
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

// item is one command of a bulk: a command of good shape, or the problem of a bad one.
type item struct {
	command ledger.Command
	key     string
	problem *httpx.Problem
}

type bulk struct {
	atomic bool
	items  []item
}

// decodeBulk reads the body of a bulk. It keeps nothing of data. What is malformed anywhere fails it as a whole, for
// it is one document; a field with a wrong value fails one command.
func decodeBulk(data []byte) (*bulk, *httpx.Problem) {
	b, ok := plainBulk(string(data))
	if !ok {
		var problem *httpx.Problem
		if b, problem = generalBulk(data); problem != nil {
			return nil, problem
		}
	}
	for i := range b.items {
		it := &b.items[i]
		if it.problem == nil {
			continue
		}
		it.problem = within(it.problem, "/commands/"+strconv.Itoa(i))
		if it.problem.Code == httpx.CodeMalformedRequest {
			return nil, it.problem
		}
	}
	return b, nil
}

func generalBulk(data []byte) (*bulk, *httpx.Problem) {
	var body bulkBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return nil, httpx.AsProblem(err)
	}
	if body.Commands == nil || len(*body.Commands) < 1 || len(*body.Commands) > maxCommands {
		return nil, httpx.InvalidField(httpx.FieldError{
			Pointer: "/commands", Detail: "want 1 to " + strconv.Itoa(maxCommands) + " commands",
		})
	}
	b := &bulk{atomic: body.Atomic, items: make([]item, len(*body.Commands))}
	for i := range *body.Commands {
		b.items[i] = (*body.Commands)[i].item()
	}
	return b, nil
}

// item makes the command, whichever type it is of.
func (b *commandBody) item() item {
	var f faults
	var it item
	if b.Key != nil {
		it.key = *b.Key
		if !fitKey(it.key) {
			f.add("/idempotency_key", wantKey)
		}
	}
	if len(b.Data) == 0 || b.Data.Kind() == 'n' {
		f.add("/data", required)
		b.Data = nil
	}
	switch b.Type {
	case typePostTransaction:
		if b.Data != nil {
			it.command, it.problem = transactionItem(b.Data)
		}
	case typeOpenAccount:
		if b.Data != nil {
			it.command, it.problem = accountItem(b.Data)
		}
	case "":
		f.add("/type", required)
	default:
		f.add("/type", "want "+typePostTransaction+" or "+typeOpenAccount)
	}
	if it.problem != nil {
		it.problem = within(it.problem, "/data")
	}
	if len(f) > 0 && (it.problem == nil || it.problem.Code == httpx.CodeInvalidField) {
		if it.problem != nil {
			f = append(f, it.problem.Errors...)
		}
		it.problem = httpx.InvalidField(f...)
	}
	return it
}

func transactionItem(data []byte) (ledger.Command, *httpx.Problem) {
	var body transactionBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return nil, httpx.AsProblem(err)
	}
	return body.item()
}

func accountItem(data []byte) (ledger.Command, *httpx.Problem) {
	var body accountBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return nil, httpx.AsProblem(err)
	}
	return body.command()
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
	unit := Unit{
		Commands: b.commands(key), Atomic: b.atomic, OneKey: key != "",
		Actor: h.actor(c), Correlation: httpx.RequestID(c),
	}
	if len(unit.Commands) == 0 {
		// No command is fit to be decided. What is left to tell is whether the ledger exists, and its revision.
		return h.answerUnfit(c, name, b)
	}
	result, err := h.ledgers.Submit(c.Request().Context(), StreamOf(name), unit)
	var refused *engine.RefusedError
	if errors.As(err, &refused) {
		cause := problemOf(refused.Err, formEntries)
		if cause.Code == httpx.CodeLedgerNotFound {
			return cause
		}
		return bulkRejected(refused.Index, within(cause, commandData(refused.Index)))
	}
	if err != nil {
		return problemOf(err, formEntries)
	}
	if !result.Exists {
		return ledgerNotFound(name)
	}
	return h.writeResults(c, name, b, &result)
}

func commandData(i int) string { return "/commands/" + strconv.Itoa(i) + "/data" }

// commands are those of good shape, with the keys they are to have.
func (b *bulk) commands(key string) []command {
	var whole envelope.Hash
	if key != "" {
		whole = b.digest()
	}
	commands := make([]command, 0, len(b.items))
	for i := range b.items {
		it := &b.items[i]
		if it.problem != nil {
			continue
		}
		cmd := command{Command: it.command, Key: it.key}
		switch {
		case it.key != "":
			cmd.Request = digestOf(it.command)
		case key != "":
			cmd.Key = key + "/" + strconv.Itoa(i)
			one := digestOf(it.command)
			cmd.Request = sha256.Sum256(append(one[:], whole[:]...))
		}
		commands = append(commands, cmd)
	}
	return commands
}

// digest is the fingerprint of the whole request, which that of each command without a key of its own covers: the same
// header with another request is a misuse, even if a command of it is the same.
func (b *bulk) digest() envelope.Hash {
	buf := buffers.get()
	defer buffers.put(buf)
	*buf = appendBool(appendText(*buf, "daybook:bulk:1"), b.atomic)
	for i := range b.items {
		it := &b.items[i]
		*buf = appendText(*buf, it.key)
		if it.problem != nil {
			*buf = it.problem.AppendJSON(*buf)
			continue
		}
		one := digestOf(it.command)
		*buf = append(*buf, one[:]...)
	}
	return sha256.Sum256(*buf)
}

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
	b = httpx.AppendString(b, r.Title())
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
			out = resultOf(within(problemOf(a.Err, formEntries), commandData(i))).appendJSON(out)
			continue
		}
		accepted++
		if a.Replayed {
			replayed++
		}
		revision = max(revision, uint64(a.Events[len(a.Events)-1].Revision))
		var err error
		out = append(out, `{"status":201,`...)
		if out, err = h.appendAccepted(out, c.Request().Context(), name, a); err != nil {
			return err
		}
		out = append(out, '}')
	}
	if accepted == 0 {
		revision = uint64(r.Revision)
	}
	out = append(out, `],"revision":`...)
	out = strconv.AppendUint(out, revision, 10)
	*buf = append(out, '}')
	if replayed > 0 && replayed == accepted {
		c.Response().Header().Set(headerReplayed, "true")
	}
	httpx.SetRevision(c, revision)
	return c.Blob(http.StatusOK, httpx.MediaJSON, *buf)
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
	result, err := h.ledgers.Submit(c.Request().Context(), StreamOf(name), Unit{
		Commands: []command{{Command: ledger.OpenAccount{Address: "probe"}}}, DryRun: true, Actor: h.actor(c),
	})
	if err != nil {
		return result, problemOf(err, formEntries)
	}
	if !result.Exists {
		return result, ledgerNotFound(name)
	}
	return result, nil
}
