package queries

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// getEvents serves history, which is in the event store as soon as a command is answered.
func (q *Queries) getEvents(c echo.Context) error {
	r, err := q.request(c, "from", "limit", "cursor")
	if err != nil {
		return err
	}
	from, _ := r.Uint("from")
	if after, given := cursorOf[uint64](c, r.Params); given {
		from = after
	}
	stream := wantsNDJSON(c.Request())
	limit := uint64(0) // all
	if _, given := r.String("limit"); !stream {
		limit = uint64(r.Limit())
	} else if given {
		if limit, _ = r.Uint("limit"); limit == 0 {
			r.Fault("limit", "must be a whole number from 1")
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if err := q.awaitEvent(c.Request().Context(), r); err != nil {
		return err
	}
	if stream {
		return q.streamEvents(c, r, from, limit)
	}
	return q.pageEvents(c, r, from, limit)
}

// awaitEvent returns when the log has the revision that the request demands.
func (q *Queries) awaitEvent(ctx context.Context, r *request) error {
	at := func() (uint64, error) { return q.hasEvent(ctx, r.ledger, r.minRevision) }
	wake := func(ctx context.Context) error { return q.board.Wait(ctx, r.ledger, r.minRevision, projectionLedgers) }
	return q.awaitRevision(ctx, r, at, wake)
}

func wantsNDJSON(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get(echo.HeaderAccept), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err == nil && media == httpx.MediaNDJSON && params["q"] != "0" {
			return true
		}
	}
	return false
}

func (q *Queries) pageEvents(c echo.Context, r *request, from, limit uint64) error {
	body := []byte(`{"data":[`)
	var next *string
	var read, seen uint64
	err := q.events(c.Request().Context(), r.ledger, from, func(e eventstore.Recorded) (err error) {
		seen = uint64(e.Revision)
		if read == limit {
			if next, err = nextCursor(c, seen); err == nil {
				err = errEnough
			}
			return err
		}
		if read++; read > 1 {
			body = append(body, ',')
		}
		body, err = appendEvent(body, r.ledger, &e)
		return err
	})
	if err != nil {
		return problem(err)
	}
	q.setKnownRevision(c, r, seen, read > 0)
	return httpx.Answer(c, http.StatusOK, endPage(body, next))
}

// setKnownRevision sets the header to the last revision that was seen, in the log or by a projection: the end of the
// log is not looked for.
func (q *Queries) setKnownRevision(c echo.Context, r *request, seen uint64, isKnown bool) {
	if known, err := q.views.revision(c.Request().Context(), r.ledger, []string{projectionLedgers}); err == nil {
		seen, isKnown = max(seen, known), true
	}
	if isKnown {
		httpx.SetRevision(c, seen)
	}
}

// How a stream of events is written: in pieces, each of which the client must take in time.
const (
	eventsAtOnce  = 64 << 10
	eventsTimeout = 30 * time.Second
)

func (q *Queries) streamEvents(c echo.Context, r *request, from, limit uint64) error {
	httpx.Unbounded(c)
	s := &eventStream{q: q, c: c, r: r}
	var read uint64
	err := q.events(c.Request().Context(), r.ledger, from, func(e eventstore.Recorded) (err error) {
		if read++; read == 1 {
			q.setKnownRevision(c, r, uint64(e.Revision), true)
		}
		if s.buf, err = appendEvent(s.buf, r.ledger, &e); err != nil {
			return err
		}
		s.buf = append(s.buf, '\n')
		if len(s.buf) >= eventsAtOnce {
			err = s.flush()
		}
		if err == nil && read == limit {
			err = errEnough
		}
		return err
	})
	if err == nil {
		if read == 0 {
			q.setKnownRevision(c, r, 0, false)
		}
		err = s.flush()
	}
	if err != nil && c.Response().Committed {
		q.breakOff(c, err)
	}
	return problem(err)
}

type eventStream struct {
	q   *Queries
	c   echo.Context
	r   *request
	buf []byte
}

func (s *eventStream) flush() error {
	response := s.c.Response()
	if !response.Committed {
		response.Header().Set(echo.HeaderContentType, httpx.MediaNDJSON)
		response.WriteHeader(http.StatusOK)
	}
	// A writer that has no deadlines, such as a recorder in a test, needs none set.
	control := http.NewResponseController(response)
	_ = control.SetWriteDeadline(time.Now().Add(eventsTimeout))
	_, err := response.Write(s.buf)
	s.buf = s.buf[:0]
	if err == nil {
		err = control.Flush()
	}
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
