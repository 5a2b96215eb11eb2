package queries

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// What a reader does not find.
var (
	errLedgerNotFound      = errors.New("the views do not know the ledger")
	errAccountNotFound     = errors.New("the ledger has no such account")
	errTransactionNotFound = errors.New("the ledger has no such transaction")
	errHoldNotFound        = errors.New("the ledger has no such hold")
	errAssertionNotFound   = errors.New("the ledger has no such assertion")
)

// problem is how an error of a reader is answered. What is not expected passes through, and is a fault of ours.
func problem(err error) error {
	switch {
	case errors.Is(err, errLedgerNotFound):
		return &httpx.Problem{Code: httpx.CodeLedgerNotFound}
	case errors.Is(err, errAccountNotFound):
		return &httpx.Problem{Code: httpx.CodeAccountNotFound}
	case errors.Is(err, errTransactionNotFound):
		return &httpx.Problem{Code: httpx.CodeTransactionNotFound}
	case errors.Is(err, errHoldNotFound):
		return &httpx.Problem{Code: "hold_not_found"}
	case errors.Is(err, errAssertionNotFound):
		return httpx.NewProblem(httpx.CodeNotFound, "The ledger has no assertion with this id.")
	case errors.Is(err, errHistoryUnavailable):
		return httpx.NewProblem(httpx.CodeOverloaded, "The event store cannot be read at present.").Because(err)
	}
	return err
}

// request is what every query of a ledger has.
type request struct {
	*httpx.Params

	c      echo.Context
	ledger string
	// demands tells whether the answer must reflect minRevision at least, and wait how long it may take to get there.
	demands     bool
	minRevision uint64
	wait        time.Duration
}

// request reads the parameters of a query of a ledger. Faults of their values are noted: the handler calls Err after it
// has read its own.
func (q *Queries) request(c echo.Context, allowed ...string) (*request, error) {
	params, err := httpx.ReadParams(c, append(allowed, "min_revision", "wait")...)
	if err != nil {
		return nil, err
	}
	name, ok := httpx.PathParam(c, "ledger")
	if !ok || !ledgername.Fits(name) {
		return nil, problem(errLedgerNotFound)
	}
	r := &request{Params: params, c: c, ledger: name}
	r.minRevision, r.wait, r.demands = params.MinRevision()
	return r, nil
}

// asOf reads ?as_of_revision=, nil for what is known now. A revision in the past must have been reached, like one that is
// demanded.
func (r *request) asOf() *uint64 {
	asOf, given := r.Uint("as_of_revision")
	if !given {
		return nil
	}
	r.minRevision, r.demands = max(r.minRevision, asOf), true
	return &asOf
}

// idOf reads the number of the path. One that nothing can have, because numbers start from 1 and are written in one way,
// is 0.
func idOf(c echo.Context) uint64 {
	text, _ := httpx.PathParam(c, "id")
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(id, 10) != text {
		return 0
	}
	return id
}

// noAccount is the answer for an account that cannot exist: that its ledger does not, if so.
func (q *Queries) noAccount(ctx context.Context, r *request, err error) error {
	if _, unknown := q.views.revision(ctx, r.ledger, []string{projectionAccounts}); unknown != nil {
		return problem(unknown)
	}
	return problem(err)
}

// answer writes a JSON answer that reflects a revision.
func answer(c echo.Context, revision uint64, body []byte) error {
	httpx.SetRevision(c, revision)
	return httpx.Answer(c, http.StatusOK, body)
}

// appender is a pointer to a type of package wire that knows how it is written.
type appender[T any] interface {
	*T
	AppendJSON(b []byte) []byte
}

// member writes an object that has one member.
func member[T any, P appender[T]](name string, value P) []byte {
	b := append(make([]byte, 0, 1024), `{"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return append(value.AppendJSON(b), '}')
}

// answerPage writes a page that reflects a revision.
func answerPage[T any, P appender[T]](c echo.Context, revision uint64, p *wire.Page[T]) error {
	b := []byte(`{"data":[`)
	for i := range p.Data {
		if i > 0 {
			b = append(b, ',')
		}
		b = P(&p.Data[i]).AppendJSON(b)
	}
	return answer(c, revision, endPage(b, p.NextCursor))
}

// endPage ends the list of a page's data and the page.
func endPage(b []byte, next *string) []byte {
	b = append(b, `],"next_cursor":`...)
	if next == nil {
		return append(b, `null}`...)
	}
	return append(wire.AppendString(b, *next), '}')
}

// bound is a cursor that knows which list it belongs to.
type bound[T any] struct {
	List  string `json:"list"`
	After T      `json:"after"`
}

// cursorOf reads ?cursor=. given is false on the first page. A cursor of another list, or of the same with other
// filters, is a fault of the parameters.
func cursorOf[T any](c echo.Context, p *httpx.Params) (after T, given bool) {
	b, given := httpx.Cursor[bound[T]](p)
	if given && b.List != listOf(c) {
		p.Fault("cursor", "it belongs to another list, or to other filters; start again without it")
	}
	return b.After, given
}

// nextCursor makes the cursor of the page after.
func nextCursor[T any](c echo.Context, after T) (*string, error) {
	text, err := httpx.EncodeCursor(bound[T]{List: listOf(c), After: after})
	return &text, err
}

// listOf identifies a list: the path and the filters, but not what may differ from page to page.
func listOf(c echo.Context) string {
	h := fnv.New64a()
	write := func(s string) {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		_, _ = h.Write([]byte(s))
	}
	write(c.Request().URL.Path)
	values := c.QueryParams()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch name {
		case "limit", "cursor", "min_revision", "wait":
		default:
			if text := values.Get(name); text != "" { // an empty parameter is an absent one
				write(name)
				write(text)
			}
		}
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// page makes a page out of rows, of which one more than limit was read; after makes the cursor's content of the last.
func page[Row, After any](c echo.Context, rows []Row, limit int, after func(Row) After) (p wire.Page[Row], err error) {
	p.Data = rows[:min(len(rows), limit)]
	if p.Data == nil {
		p.Data = []Row{}
	}
	if len(rows) > limit {
		p.NextCursor, err = nextCursor(c, after(rows[limit-1]))
	}
	return p, err
}
