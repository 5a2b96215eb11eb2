package queries

import (
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// await returns when the projections have reached the revision that the request demands, and at once where it demands
// none. A ledger that only the log knows is waited for too: it was opened a moment ago. When the time to wait is over
// the answer is revision_not_reached.
func (q *Queries) await(ctx context.Context, r *request, projections ...string) error {
	at := func() (uint64, error) { return q.views.revision(ctx, r.ledger, projections) }
	wake := func(ctx context.Context) error { return q.board.Wait(ctx, r.ledger, r.minRevision, projections...) }
	return q.awaitRevision(ctx, r, at, wake)
}

// awaitRevision looks at the revision again and again. wake ends a pause early; it is asked until it was wrong once,
// so that a board that is ahead of the database does not make this a busy loop.
func (q *Queries) awaitRevision(ctx context.Context, r *request, at func() (uint64, error), wake func(context.Context) error) error {
	if !r.demands {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	pause, woken, opened := q.poll, false, false
	for {
		revision, err := at()
		known := !errors.Is(err, errLedgerNotFound)
		switch {
		case err != nil && known:
			return err
		case known && revision >= r.minRevision:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !known && !opened:
			if _, err := q.hasEvent(ctx, r.ledger, 0); err != nil {
				return problem(err)
			}
			opened = true
		case waiting.Err() != nil:
			return notReached(r, revision, known)
		}
		step, end := context.WithTimeout(waiting, pause)
		if woken {
			<-step.Done()
		} else {
			woken = wake(step) == nil
		}
		end()
		pause = min(2*pause, 8*q.poll)
	}
}

func notReached(r *request, revision uint64, known bool) error {
	took := r.wait.Round(time.Millisecond)
	if !known {
		return httpx.NewProblem(httpx.CodeRevisionNotReached, "Ledger %q did not reach revision %d within %s. Try again, with a longer "+
			"?wait= if need be; if it goes on, check that the revision asked for was answered by a command, and that the projections run.",
			r.ledger, r.minRevision, took)
	}
	return httpx.NewProblem(httpx.CodeRevisionNotReached, "The read models of ledger %q are at revision %d and did not reach revision %d "+
		"within %s. Try again, with a longer ?wait= if need be; if the revision stays as it is, check that the revision asked for was "+
		"answered by a command, and that the projections run.", r.ledger, revision, r.minRevision, took).
		With("revision", revision).With("min_revision", r.minRevision)
}

// justOpened has a query that found no ledger answered again, if the log has the ledger: it was opened a moment ago,
// and whoever was told so expects to find it. What the log does not have either is answered at once.
func (q *Queries) justOpened(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		var p *httpx.Problem
		if !errors.As(err, &p) || p.Code != httpx.CodeLedgerNotFound {
			return err
		}
		name, ok := httpx.PathParam(c, "ledger")
		if !ok || !ledgername.Fits(name) || c.QueryParam("min_revision") != "" { // which has waited
			return err
		}
		r := &request{c: c, ledger: name, demands: true, wait: httpx.DefaultWait}
		if err := q.await(c.Request().Context(), r, append(asKnown(), projectionLedgers)...); err != nil {
			return err
		}
		return next(c)
	}
}
