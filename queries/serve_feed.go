package queries

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

// followEvents serves history and goes on with what happens, as server-sent events: the events that getEvents shows, one
// a message, with their revision as its id. A client that comes back with the id that it saw last misses none.
func (q *Queries) followEvents(c echo.Context) error {
	r, err := q.request(c, "from")
	if err != nil {
		return err
	}
	from, _ := r.Uint("from")
	if err := r.Err(); err != nil {
		return err
	}
	if from, err = resumeFrom(c, from); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := q.awaitEvent(ctx, r); err != nil {
		return err
	}
	f := &feed{q: q, c: c, ledger: r.ledger, next: from, stopping: httpx.Stopping(ctx)}
	if read, err := f.read(ctx); err != nil && read == 0 { // nothing is said yet, so that it can still be answered
		return problem(err)
	}
	q.setKnownRevision(c, r, f.next-1, f.next > from)
	httpx.Unbounded(c)
	if err := f.run(ctx); err != nil {
		f.cutOff(ctx, err)
	}
	return nil
}

// resumeFrom is the revision after the one that the client saw last, if it says so, and from otherwise.
func resumeFrom(c echo.Context, from uint64) (uint64, error) {
	const header = "Last-Event-ID"
	text := c.Request().Header.Get(header)
	if text == "" {
		return from, nil
	}
	last, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, httpx.InvalidField(httpx.FieldError{Pointer: header, Detail: "must be the id of an event that this stream has sent"})
	}
	return max(last, last+1), nil // nothing comes after the greatest number there is
}
