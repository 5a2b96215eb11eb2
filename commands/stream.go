package commands

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// Bounds of a stream of commands. Memory does not depend on the stream's length: only what waits for the engine is
// held, and that is bounded by number and by bytes.
const (
	maxLine       = 1 << 20
	maxProblems   = 1000
	unitCommands  = 500
	queueCommands = 2 * unitCommands
	queueBytes    = 2 << 20
	streamIdle    = 60 * time.Second

	firstPause = 2 * time.Millisecond
	maxPause   = 250 * time.Millisecond
)

// stream reads commands, one a line, while those read before are decided. The reader and the submitter work side by
// side; between them is a bounded queue. Units go to the engine one after another, which keeps the order of lines.
func (h *Handlers) stream(c echo.Context, key string) error {
	name, err := ledgerName(c)
	if err != nil {
		return err
	}
	start, err := h.probe(c, name)
	if err != nil {
		return err
	}
	if err := h.lag.Admit(1); err != nil {
		return problemOf(err)
	}
	s := &streamed{
		handlers: h, name: name, key: key, queue: newLineQueue(queueCommands, queueBytes),
		unit:     Unit{Actor: h.actor(c), Correlation: httpx.RequestID(c)},
		revision: uint64(start.Revision),
	}
	submitted := make(chan error, 1)
	go func() { submitted <- s.submitAll(c.Request().Context()) }()
	broken := s.readAll(httpx.StreamBody(c, streamIdle))
	err = <-submitted
	httpx.BoundAnswer(c)
	if err != nil {
		return s.problem(problemOf(err))
	}
	if broken != nil {
		return s.problem(httpx.NewProblem(httpx.CodeMalformedRequest,
			"The stream broke off; what was accepted before is kept.").Because(broken))
	}
	httpx.SetRevision(c, s.revision)
	return httpx.Answer(c, http.StatusOK, s.appendSummary(nil))
}

// streamed is one stream on its way. The fields below submitter belong to its goroutine until that has ended.
type streamed struct {
	handlers *Handlers
	name     string
	key      string
	queue    *lineQueue

	// submitter
	unit     Unit
	accepted int
	rejected int
	revision uint64
	problems []lineProblem
}

type lineProblem struct {
	line    int
	problem *httpx.Problem
}

// submitAll submits what is in the queue, as much at once as there is, until the queue is closed and empty. When it
// gives up, so does the reader.
func (s *streamed) submitAll(ctx context.Context) error {
	var items []lineItem
	for {
		items = s.queue.take(items[:0], unitCommands)
		if len(items) == 0 {
			return nil
		}
		if err := s.submit(ctx, items); err != nil {
			s.queue.abandon()
			return err
		}
	}
}

func (s *streamed) submit(ctx context.Context, items []lineItem) error {
	unit := s.unit
	unit.Commands = make([]command, 0, len(items))
	for i := range items {
		if it := &items[i]; it.problem == nil {
			unit.Commands = append(unit.Commands, s.command(it))
		}
	}
	var result Result
	var failed error
	if len(unit.Commands) > 0 {
		result, failed = s.handlers.submitBy(ctx, s.name, unit, s.insist)
		s.revision = max(s.revision, uint64(result.Revision))
	}
	answers := result.Answers // of some of the commands, where it failed
	for i := range items {
		p := items[i].problem
		if p == nil {
			if failed != nil && len(answers) == 0 {
				return failed
			}
			if err := answers[0].Err; err != nil {
				p = within(problemOf(err), "/data")
			}
			answers = answers[1:]
		}
		s.count(items[i].line, p)
	}
	return nil
}

// command gives a line its key: its own, or one made of the header's and the line's number, so that the same stream can
// be sent again.
func (s *streamed) command(it *lineItem) command {
	cmd := command{Command: it.command, Key: it.key}
	switch {
	case it.key != "":
		cmd.Request = digestOf(it.command)
	case s.key != "":
		cmd.Key = engine.PartKey(s.key, it.line)
		one := digestOf(it.command) // and not that itself: the command alone is another request
		cmd.Request = sha256.Sum256(append([]byte("daybook:line:1"), one[:]...))
	}
	return cmd
}

// insist submits a unit when the read models are near enough, and again after a pause for as long as too much is waiting:
// the client is held up by not reading from it, rather than refused in the middle of its stream.
func (s *streamed) insist(ctx context.Context, stream string, unit Unit) (Result, error) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		if err := s.admitted(ctx); err != nil {
			return Result{}, err
		}
		result, err := s.handlers.ledgers.Submit(ctx, stream, unit)
		if !errors.Is(err, engine.ErrOverloaded) {
			return result, err //nolint:wrapcheck // becomes a problem
		}
		pause.Reset(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return result, ctx.Err()
		}
	}
}

// admitted waits until commands may come in. A stream that waits when the server stops is told how far it came.
func (s *streamed) admitted(ctx context.Context) error {
	for {
		resumed := s.handlers.lag.Held()
		if resumed == nil {
			return nil
		}
		select {
		case <-resumed:
		case <-httpx.Stopping(ctx):
			return engine.ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *streamed) count(line int, p *httpx.Problem) {
	if p == nil {
		s.accepted++
		return
	}
	s.rejected++
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, lineProblem{line: line, problem: p})
	}
}

// appendSummary writes the answer to the whole stream.
func (s *streamed) appendSummary(b []byte) []byte {
	b = append(b, `{"accepted":`...)
	b = strconv.AppendInt(b, int64(s.accepted), 10)
	b = append(b, `,"rejected":`...)
	b = strconv.AppendInt(b, int64(s.rejected), 10)
	b = append(b, `,"revision":`...)
	b = strconv.AppendUint(b, s.revision, 10)
	b = append(b, `,"problems":[`...)
	for i, p := range s.problems {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"line":`...)
		b = strconv.AppendInt(b, int64(p.line), 10)
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(p.problem.Status()), 10)
		b = append(b, `,"code":`...)
		b = wire.AppendString(b, string(p.problem.Code))
		b = append(b, `,"detail":`...)
		b = wire.AppendString(b, p.problem.Text())
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// problem says how far a stream came that could not be taken to its end.
func (s *streamed) problem(p *httpx.Problem) error {
	return p.With("accepted", s.accepted).With("rejected", s.rejected).With("revision", s.revision)
}
