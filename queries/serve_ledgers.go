package queries

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func (q *Queries) listLedgers(c echo.Context) error {
	params, err := httpx.ReadParams(c, "limit", "cursor")
	if err != nil {
		return err
	}
	limit := params.Limit()
	after, _ := cursorOf[string](c, params)
	if err := params.Err(); err != nil {
		return err
	}
	rows, err := q.views.ledgers(c.Request().Context(), after, limit+1)
	if err != nil {
		return err
	}
	p, err := page(c, rows, limit, func(l wire.Ledger) string { return l.Name })
	if err != nil {
		return err
	}
	body, err := wire.Append(nil, p)
	if err != nil {
		return err
	}
	return httpx.Answer(c, http.StatusOK, body)
}

func (q *Queries) getLedger(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionLedgers); err != nil {
		return err
	}
	ledger, err := q.views.oneLedger(ctx, r.ledger)
	if err != nil {
		return problem(err)
	}
	body, err := wire.Append(nil, ledger)
	if err != nil {
		return err
	}
	return answer(c, ledger.Revision, body)
}
