package forward

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/run"
)

const (
	headerKey = "Idempotency-Key"
	// streamIdle is how long a client may be silent in the middle of a body that is passed on as it comes.
	streamIdle = 60 * time.Second
	// maxDoubts is how often a request with an idempotency key is sent without an answer before its client is told so.
	maxDoubts = 5
	// askAgain is the pause before another is asked where nothing has changed meanwhile.
	askAgain = 50 * time.Millisecond
)

// Middleware has requests answered where the ledger is owned that they are about: here, or by another node. ledgerOf tells which
// ledger that is; where it is not ok, the request is answered here.
func (f *Forwarder) Middleware(ledgerOf func(echo.Context) (ledger string, ok bool)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ledger, ok := ledgerOf(c)
			if !ok {
				return next(c)
			}
			if how, ok := c.Request().Context().Value(carriedKey{}).(*carried); ok {
				return f.answerCarried(c, next, ledger, how)
			}
			if owner, ok := f.options.Member.Owner(ledger); ok && owner.Here {
				return f.here(c, next, ledger, owner)
			}
			p := passage{Forwarder: f, c: c, next: next, ledger: ledger}
			return p.answer()
		}
	}
}

// answerCarried answers a request of another node, or refuses it, if it is another's to answer.
func (f *Forwarder) answerCarried(c echo.Context, next echo.HandlerFunc, ledger string, how *carried) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), f.options.Patience)
	defer cancel()
	owner, err := f.options.Member.Locate(ctx, ledger)
	if err != nil || !owner.Here {
		how.refused = true
		return nil
	}
	f.options.Member.Asked(ledger, how.from)
	return f.handle(c, next, ledger, owner)
}

// here has a request handled that came to this node.
func (f *Forwarder) here(c echo.Context, next echo.HandlerFunc, ledger string, owner cluster.Owner) error {
	f.options.Member.Asked(ledger, f.options.Member.Node().Name)
	return f.handle(c, next, ledger, owner)
}

// handle has a request handled by this node. A claim to what turns out to be no ledger is given up again, and so is one that was
// made for a request of which nobody found out whether its ledger exists: else whoever asks for names by chance fills the bucket.
func (f *Forwarder) handle(c echo.Context, next echo.HandlerFunc, ledger string, owner cluster.Owner) error {
	err := next(c)
	var p *httpx.Problem
	if errors.As(err, &p) && (p.Code == httpx.CodeLedgerNotFound || owner.New && slices.Contains(beforeTheLedger, p.Code)) {
		f.options.Member.Release(c.Request().Context(), ledger)
	}
	return err
}

// beforeTheLedger are the codes of what can be refused before the ledger is looked at: a request's shape comes first.
//
//nolint:gochecknoglobals // a list
var beforeTheLedger = []httpx.Code{
	httpx.CodeMalformedRequest, httpx.CodeUnsupportedMedia, httpx.CodeTooLarge, httpx.CodeNotFound, httpx.CodeMethodNotAllowed,
	httpx.CodeInvalidField, httpx.CodeUnbalanced, httpx.CodeBulkRejected,
}

// passage is a request on its way to whoever answers it.
type passage struct {
	*Forwarder

	c      echo.Context
	next   echo.HandlerFunc
	ledger string

	body     []byte    // whole, if it could be kept
	stream   io.Reader // what it comes from, if not
	doubtful error     // why it is not known what a former attempt has done; nil where it has done nothing
	doubts   int       // how many such attempts there were
}

// answer finds who answers the request, until somebody does.
func (p *passage) answer() error {
	if err := p.takeBody(); err != nil {
		return err
	}
	if int64(len(p.body)) > p.options.BodyLimit {
		return p.answerHere(cluster.Owner{}) // which refuses it unread
	}
	ctx, cancel := context.WithTimeout(p.c.Request().Context(), p.options.Patience)
	defer cancel()
	for {
		changed := p.options.Member.Changed()
		owner, err := p.options.Member.Locate(ctx, p.ledger)
		switch {
		case err != nil:
			return p.nobody(err)
		case owner.Here:
			return p.answerHere(owner)
		}
		answer, err := p.ask(p.c.Request().Context(), owner, p.request())
		if err == nil {
			p.metrics.sent.WithLabelValues("answered").Inc()
			if p.doubtful != nil && answer.Status/100 != 2 {
				answer.close()
				return p.nobodyKnows(p.doubtful)
			}
			return p.passOn(answer)
		}
		switch {
		case p.c.Request().Context().Err() != nil:
			return err
		case !p.mayAskAgain(err):
			return p.nobodyKnows(err)
		case ctx.Err() != nil && isUndone(err): // whoever is named does not take it
			return p.nobody(err)
		}
		run.Await(ctx, changed, askAgain)
	}
}

// takeBody reads the body if it can be kept to be sent more than once: a stream is not.
func (p *passage) takeBody() error {
	r := p.c.Request()
	if media, err := httpx.MediaType(r, httpx.MediaNDJSON); err == nil && media == httpx.MediaNDJSON {
		p.stream = httpx.StreamBody(p.c, streamIdle)
		return nil
	}
	var err error
	p.body, err = httpx.ReadUpTo(p.c, p.options.BodyLimit)
	return err
}

// answerHere has the request handled by this node. After an attempt that may still be carried out, only an answer that says that the
// command was accepted is final: its key is known from then on, and keeps the attempt from doing anything. A refusal is in no log,
// and could be given just before the attempt succeeds.
func (p *passage) answerHere(owner cluster.Owner) error {
	if p.stream == nil {
		p.c.Request().Body = io.NopCloser(io.MultiReader(bytes.NewReader(p.body), p.c.Request().Body))
	}
	err := p.here(p.c, p.next, p.ledger, owner)
	if err != nil && p.doubtful != nil {
		return p.nobodyKnows(errors.Join(p.doubtful, err))
	}
	return err
}

// request is what is sent to the owner.
func (p *passage) request() *message {
	r := p.c.Request()
	m := &message{head: head{
		Method: r.Method, Target: target(r.URL), Header: endToEnd(r.Header), Peer: r.RemoteAddr, Node: p.options.Member.Node().Name,
		Length: int64(len(p.body)),
	}}
	m.Header.Set(echo.HeaderXRequestID, httpx.RequestID(p.c))
	if p.stream == nil {
		m.body = bytes.NewReader(p.body)
		return m
	}
	m.body, m.Length = p.stream, -1
	control := http.NewResponseController(p.c.Response())
	m.interrupt = func() { _ = control.SetReadDeadline(time.Now()) } // a recorder in a test has no deadlines, and needs none
	return m
}

// mayAskAgain tells whether the request may be sent once more, after an attempt that failed.
func (p *passage) mayAskAgain(err error) bool {
	switch {
	case isUndone(err):
		p.metrics.sent.WithLabelValues("refused").Inc()
		return p.stream == nil // of which some may have been read
	default:
		p.metrics.sent.WithLabelValues("broken").Inc()
		p.log.WarnContext(p.c.Request().Context(), "a forwarded request was not answered", "error", err, "request_id", httpx.RequestID(p.c))
		p.doubtful = err
		p.doubts++
		return p.stream == nil && p.doubts < maxDoubts && len(p.c.Request().Header.Values(headerKey)) == 1 && !p.options.SendOnce(p.c)
	}
}

// isUndone tells whether an attempt failed that has done nothing.
func isUndone(err error) bool { return errors.Is(err, errUnsent) || errors.Is(err, errRefused) }

// nobody answers that nobody was found.
func (p *passage) nobody(err error) error {
	if p.doubtful != nil {
		return p.nobodyKnows(p.doubtful)
	}
	return httpx.NewProblem(httpx.CodeOverloaded, "No node of the cluster can take commands for this ledger at present; "+
		"nothing was done. Send the request again later.").Because(err)
}

// nobodyKnows answers that the outcome is unknown, or where it is a stream's that it broke off.
func (p *passage) nobodyKnows(err error) error {
	if p.stream != nil {
		return httpx.NewProblem(httpx.CodeOverloaded, "The node that takes commands for this ledger does not any more; what it had "+
			"accepted of the stream is kept. Send the stream again: with the same idempotency key nothing is done twice.").Because(err)
	}
	return httpx.NewProblem(httpx.CodeOverloaded, "The node that takes commands for this ledger did not tell whether it had carried "+
		"the command out. Send it again with the same idempotency key, or look for its reference.").Because(err)
}

// passOn answers with the answer of another node.
func (p *passage) passOn(answer *call) error {
	defer answer.close()
	if p.stream != nil {
		httpx.BoundAnswer(p.c)
	}
	w := p.c.Response()
	maps.Copy(w.Header(), answer.Header)
	if answer.Length >= 0 {
		w.Header().Set(echo.HeaderContentLength, strconv.FormatInt(answer.Length, 10))
	}
	w.WriteHeader(answer.Status)
	if _, err := io.Copy(w, answer.body); err != nil {
		p.log.WarnContext(p.c.Request().Context(), "an answer of another node broke off", "error", err, "request_id", httpx.RequestID(p.c))
		panic(http.ErrAbortHandler) // the client has to see that it is not whole
	}
	return nil
}
