package queries

import (
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func (q *Queries) listTransactions(c echo.Context) error {
	r, err := q.request(c, "account", "reference", "from", "to", "metadata[]", "q", "limit", "cursor")
	if err != nil {
		return err
	}
	limit := r.Limit()
	f := transactionFilterOf(r.Params)
	f.before, f.limit = firstPage, limit+1
	if before, given := cursorOf[int64](c, r.Params); given {
		f.before = before
	}
	if err := r.Err(); err != nil {
		return err
	}
	projections := []string{projectionTransactions}
	if f.account != "" {
		projections = append(projections, projectionEntries)
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projections...); err != nil {
		return err
	}
	rows, revision, err := q.views.transactions(ctx, r.ledger, f)
	if err != nil {
		return problem(err)
	}
	p, err := page(c, rows, limit, func(t wire.Transaction) uint64 { return t.ID })
	if err != nil {
		return err
	}
	return answerPage(c, revision, &p)
}

func transactionFilterOf(p *httpx.Params) transactionFilter {
	f := transactionFilter{metadata: p.Map("metadata"), pattern: pattern(p, "account")}
	if text, exact := f.pattern.Literal(); exact {
		f.account, f.pattern = address.Address(text), ""
	}
	f.reference, _ = p.String("reference")
	f.text, _ = p.String("q")
	if from, given := p.Moment("from"); given {
		after := before(from)
		f.from = &after
	}
	if to, given := p.Moment("to"); given {
		last := upTo(to)
		f.to = &last
	}
	return f
}

func (q *Queries) getTransaction(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionTransactions); err != nil {
		return err
	}
	t, revision, err := q.views.transaction(ctx, r.ledger, idOf(c))
	if err != nil {
		return problem(err)
	}
	return answer(c, revision, member("transaction", &t))
}
