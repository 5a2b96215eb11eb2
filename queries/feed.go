package queries

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// feed is one client that follows a ledger. What it has not taken yet is a page of events at most: the next is read when
// that has gone out.
type feed struct {
	q        *Queries
	c        echo.Context
	ledger   string
	next     uint64 // the revision to be read next
	page     []byte
	stopping <-chan struct{}
	ticks    <-chan time.Time
}

const (
	feedHeartbeat = 15 * time.Second
	// feedPageBytes is where a page ends, after a whole event.
	feedPageBytes = 256 << 10
	// feedHello tells a client how many milliseconds to wait before it comes back.
	feedHello = "retry: 2000\n\n"
	feedBeat  = ": still here\n\n"
	// feedSlowest is how many times the least pause between two looks at the log the greatest is: 1 s, if that is 25 ms.
	feedSlowest = 40
)

func heartbeats() (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(feedHeartbeat)
	return t.C, t.Stop
}

// errStopping ends a feed because the server stops.
var errStopping = errors.New("the server stops")

// run sends what was read, and then reads and sends until the client leaves, is too slow, or the server stops; the last is
// no error.
func (f *feed) run(ctx context.Context) error {
	ticks, stop := f.q.heartbeats()
	defer stop()
	f.ticks = ticks
	if err := f.begin(); err != nil {
		return err
	}
	pause, trusting := f.q.poll, true
	for {
		read, err := f.read(ctx)
		if read > 0 {
			if err := f.send(f.page); err != nil {
				return err
			}
			pause, trusting = f.q.poll, true
		}
		// The store may be unavailable for a moment: the client had better wait here than ask again and again.
		if err != nil && !errors.Is(err, errHistoryUnavailable) {
			return err
		}
		select {
		case <-f.stopping:
			return nil
		default:
		}
		if read > 0 {
			continue
		}
		f.page = nil // most clients have nothing to read most of the time
		woken, err := f.rest(ctx, pause, trusting)
		if errors.Is(err, errStopping) {
			return nil
		}
		if err != nil {
			return err
		}
		// A board that woke it for nothing is not asked again before there was something to read.
		trusting = trusting && !woken
		pause = min(2*pause, feedSlowest*f.q.poll)
	}
}

func (f *feed) begin() error {
	header := f.c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // or a proxy would wait for more
	f.c.Response().WriteHeader(http.StatusOK)
	return f.send(append([]byte(feedHello), f.page...))
}

// read reads the next page, and tells how many events it has: those before the one that cannot be read, if it fails.
func (f *feed) read(ctx context.Context) (events int, err error) {
	f.page = f.page[:0]
	err = f.q.events(ctx, f.ledger, f.next, func(e eventstore.Recorded) (err error) {
		whole := f.page
		f.page = append(f.page, "id: "...)
		f.page = strconv.AppendUint(f.page, uint64(e.Revision), 10)
		f.page = append(f.page, "\nevent: "...)
		f.page = append(f.page, e.Type...)
		f.page = append(f.page, "\ndata: "...)
		if f.page, err = appendEvent(f.page, f.ledger, &e); err != nil {
			f.page = whole
			return err
		}
		f.page = append(f.page, "\n\n"...)
		events++
		f.next = uint64(e.Revision) + 1
		if len(f.page) >= feedPageBytes {
			return errEnough
		}
		return nil
	})
	return events, err
}

// rest returns when the ledger may have something new: at once when the board says so, after a pause in any case.
// Meanwhile it keeps the connection alive.
func (f *feed) rest(ctx context.Context, pause time.Duration, trusting bool) (woken bool, err error) {
	resting, end := context.WithTimeout(ctx, pause)
	over := make(chan error, 1)
	go func() {
		if !trusting {
			<-resting.Done()
			over <- resting.Err()
			return
		}
		over <- f.q.board.Wait(resting, f.ledger, f.next, projectionLedgers)
	}()
	waiting := true
	defer func() {
		end()
		if waiting {
			<-over
		}
	}()
	for {
		select {
		case err := <-over:
			waiting = false
			return err == nil, ctx.Err()
		case <-f.ticks:
			if err := f.send([]byte(feedBeat)); err != nil {
				return false, err
			}
		case <-f.stopping:
			return false, errStopping
		}
	}
}

// send writes what the client must take in time.
func (f *feed) send(b []byte) error {
	response := f.c.Response()
	control := http.NewResponseController(response)
	// A writer that has no deadlines, such as a recorder in a test, needs none set.
	_ = control.SetWriteDeadline(time.Now().Add(f.q.sendWithin))
	_, err := response.Write(b)
	if err == nil {
		err = control.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", errReaderGone, err)
	}
	return nil
}

// errReaderGone says that a client does not take what it is sent, or not in time.
var errReaderGone = errors.New("the reader of a stream of events is gone or too slow")

// cutOff ends the connection, in the middle of a message if need be. A client that left or does not keep up is no fault of
// ours.
func (f *feed) cutOff(ctx context.Context, err error) {
	if !errors.Is(err, errReaderGone) {
		f.q.breakOff(f.c, err) //nolint:contextcheck // it has that of the request
	}
	f.q.log.InfoContext(ctx, "a stream of events was cut off", "error", err, "ledger", f.ledger, "next", f.next, "request_id", httpx.RequestID(f.c))
	panic(http.ErrAbortHandler)
}
