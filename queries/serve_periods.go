package queries

import (
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func (q *Queries) getPeriods(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionPeriods); err != nil {
		return err
	}
	periods, revision, err := q.views.periods(ctx, r.ledger)
	if err != nil {
		return problem(err)
	}
	body, err := wire.Append(nil, periods)
	if err != nil {
		return err
	}
	return answer(c, revision, body)
}
