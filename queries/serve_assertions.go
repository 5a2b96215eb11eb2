package queries

import (
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func (q *Queries) listAssertions(c echo.Context) error {
	r, err := q.request(c, "status", "limit", "cursor")
	if err != nil {
		return err
	}
	limit, before := r.Limit(), int64(firstPage)
	status := statusOf(r.Params, wire.AssertionEvaluating, wire.AssertionHolds, wire.AssertionBroken)
	if last, given := cursorOf[int64](c, r.Params); given {
		before = last
	}
	if err := r.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionAssertions); err != nil {
		return err
	}
	rows, revision, err := q.views.assertions(ctx, r.ledger, status, before, limit+1)
	if err != nil {
		return problem(err)
	}
	p, err := page(c, rows, limit, func(a wire.Assertion) uint64 { return a.ID })
	if err != nil {
		return err
	}
	return answerPage(c, revision, &p)
}

func (q *Queries) getAssertion(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionAssertions); err != nil {
		return err
	}
	a, revision, err := q.views.assertion(ctx, r.ledger, idOf(c))
	if err != nil {
		return problem(err)
	}
	return answer(c, revision, member("assertion", &a))
}
