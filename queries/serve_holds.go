package queries

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// statusOf reads ?status=, one of those named; it is empty where the parameter is absent.
func statusOf(p *httpx.Params, statuses ...string) string {
	status, given := p.String("status")
	if given && !slices.Contains(statuses, status) {
		p.Fault("status", "must be one of "+strings.Join(statuses, ", "))
	}
	return status
}

// listHolds shows each hold as the log has it: one whose time has come is open until its end is written there, although
// it cannot be captured any more.
func (q *Queries) listHolds(c echo.Context) error {
	r, err := q.request(c, "status", "account", "reference", "metadata[]", "limit", "cursor")
	if err != nil {
		return err
	}
	limit := r.Limit()
	f := holdFilter{
		status:  statusOf(r.Params, wire.HoldOpen, wire.HoldCaptured, wire.HoldVoided, wire.HoldExpired),
		pattern: pattern(r.Params, "account"), metadata: r.Map("metadata"), before: firstPage, limit: limit + 1,
	}
	f.reference, _ = r.String("reference")
	if before, given := cursorOf[int64](c, r.Params); given {
		f.before = before
	}
	if err := r.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionHolds); err != nil {
		return err
	}
	rows, revision, err := q.views.holds(ctx, r.ledger, f)
	if err != nil {
		return problem(err)
	}
	p, err := page(c, rows, limit, func(h wire.Hold) uint64 { return h.ID })
	if err != nil {
		return err
	}
	return answerPage(c, revision, &p)
}

func (q *Queries) getHold(c echo.Context) error {
	r, err := q.request(c)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.await(ctx, r, projectionHolds); err != nil {
		return err
	}
	h, revision, err := q.views.hold(ctx, r.ledger, idOf(c))
	if err != nil {
		return problem(err)
	}
	return answer(c, revision, member("hold", &h))
}
