package queries

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func (q *Queries) getBalances(c echo.Context) error {
	r, err := q.request(c, "account", "at", "as_of_revision", "group_by")
	if err != nil {
		return err
	}
	f := balanceFilter{pattern: pattern(r.Params, "account")}
	g := groupingOf(r.Params)
	if at, given := r.Moment("at"); given {
		to := upTo(at)
		f.at = &to
	}
	f.asOf = r.asOf()
	if err := r.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, asKnown()...); err != nil {
		return err
	}
	w := newBalanceWriter(c, g)
	if err := q.views.balances(ctx, r.ledger, f, w.add, w.flush); err != nil {
		return w.broken(q, problem(err))
	}
	return w.broken(q, w.end())
}

func groupingOf(p *httpx.Params) grouping {
	text, given := p.String("group_by")
	switch {
	case !given || text == "account":
		return grouping{by: byAccount}
	case text == "none":
		return grouping{by: byNothing}
	}
	digits, isDepth := strings.CutPrefix(text, "depth:")
	depth, err := strconv.ParseUint(digits, 10, 16)
	if !isDepth || err != nil || depth == 0 {
		p.Fault("group_by", `must be "account", "none", or "depth:" and a number of segments from 1`)
	}
	return grouping{by: byDepth, depth: int(depth)}
}

// balanceWriter writes the answer as the rows come, so that it is as long as it wants to be. What is short goes out in
// one piece.
type balanceWriter struct {
	c        echo.Context
	groups   *groups // nil where each account is by itself
	buf      bytes.Buffer
	rows     int
	revision uint64
	begun    bool
}

const (
	balancesAtOnce  = 64 << 10
	balancesTimeout = 30 * time.Second
)

func newBalanceWriter(c echo.Context, g grouping) *balanceWriter {
	w := &balanceWriter{c: c}
	if g.by != byAccount {
		w.groups = newGroups(g)
	}
	w.buf.WriteString(`{"balances":[`)
	return w
}

func (w *balanceWriter) add(b accountBalance) error {
	if w.groups != nil {
		w.groups.add(b)
		return nil
	}
	w.row(showAccount(b))
	return nil
}

func (w *balanceWriter) row(row wire.BalanceRow) {
	if w.rows++; w.rows > 1 {
		w.buf.WriteByte(',')
	}
	w.buf.Write(row.AppendJSON(w.buf.AvailableBuffer()))
}

// flush sends what there is, if it is much. A client that does not take it in time is cut off.
func (w *balanceWriter) flush(revision uint64) error {
	w.revision = revision
	if w.buf.Len() < balancesAtOnce {
		return nil
	}
	if !w.begun {
		w.begun = true
		w.begin()
	}
	// A writer that has no deadlines, such as a recorder in a test, needs none set.
	_ = http.NewResponseController(w.c.Response()).SetWriteDeadline(time.Now().Add(balancesTimeout))
	_, err := w.buf.WriteTo(w.c.Response())
	return err
}

func (w *balanceWriter) begin() {
	httpx.SetRevision(w.c, w.revision)
	w.c.Response().Header().Set(echo.HeaderContentType, httpx.MediaJSON)
	w.c.Response().WriteHeader(http.StatusOK)
}

func (w *balanceWriter) end() error {
	if w.groups != nil {
		for _, row := range w.groups.all() {
			w.row(row)
		}
	}
	w.buf.WriteString(`],"revision":`)
	w.buf.Write(strconv.AppendUint(nil, w.revision, 10))
	w.buf.WriteString("}\n")
	if !w.begun {
		w.c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(w.buf.Len()))
		w.begin()
	}
	_, err := w.buf.WriteTo(w.c.Response())
	return err
}

// broken passes an error on while it can still be answered, and breaks the answer off where it has begun: a client must
// not take it for whole.
func (w *balanceWriter) broken(q *Queries, err error) error {
	if err != nil && w.c.Response().Committed {
		q.breakOff(w.c, err)
	}
	return err
}

// breakOff ends the connection in the middle of an answer.
func (q *Queries) breakOff(c echo.Context, err error) {
	ctx := c.Request().Context()
	if ctx.Err() == nil {
		q.log.ErrorContext(ctx, "an answer was broken off", "error", err, "path", c.Request().URL.Path, "request_id", httpx.RequestID(c))
	}
	panic(http.ErrAbortHandler)
}
