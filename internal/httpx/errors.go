package httpx

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

// statusClientGone is what metrics and logs show for a request whose client left before its answer.
const statusClientGone = 499

// ErrorHandler answers every error that a handler, a middleware or the router returns: as the [Problem] that it is or
// wraps, or as the one it amounts to. Faults of the server are logged here, and only here.
func ErrorHandler(log *slog.Logger) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			logFault(log, c, "the request failed after its answer had begun", err)
			return
		}
		if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
			_ = c.NoContent(statusClientGone)
			return
		}
		p := AsProblem(err)
		if p.Status() == http.StatusInternalServerError {
			logFault(log, c, "the request failed", err)
		}
		if err := WriteProblem(c, p); err != nil {
			log.DebugContext(c.Request().Context(), "writing a problem", "error", err)
		}
	}
}

func logFault(log *slog.Logger, c echo.Context, message string, err error) {
	log.ErrorContext(c.Request().Context(), message, "error", err,
		"method", c.Request().Method, "path", c.Request().URL.Path, "request_id", RequestID(c))
}

// AsProblem finds the problem in an error, or the problem that the error amounts to.
func AsProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return NewProblem(CodeOverloaded, "The request was not finished in time.").Because(err)
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return NewProblem(CodeTooLarge, "The body is longer than %d bytes.", tooLarge.Limit)
	}
	var he *echo.HTTPError
	if errors.As(err, &he) {
		if code, ok := ofStatus[he.Code]; ok {
			return &Problem{Code: code, cause: err}
		}
	}
	return &Problem{Code: CodeInternal, cause: err}
}

// ofStatus maps what Echo itself and its middlewares return.
//
//nolint:gochecknoglobals // a table
var ofStatus = map[int]Code{
	http.StatusBadRequest:            CodeMalformedRequest,
	http.StatusUnauthorized:          CodeUnauthenticated,
	http.StatusForbidden:             CodeForbidden,
	http.StatusNotFound:              CodeNotFound,
	http.StatusMethodNotAllowed:      CodeMethodNotAllowed,
	http.StatusRequestEntityTooLarge: CodeTooLarge,
	http.StatusUnsupportedMediaType:  CodeUnsupportedMedia,
	http.StatusTooManyRequests:       "rate_limited",
	http.StatusServiceUnavailable:    CodeOverloaded,
}

// WriteProblem answers with the problem. Handlers return problems; this is for those that must write one themselves.
func WriteProblem(c echo.Context, p *Problem) error {
	e := p.Code.entry()
	if e.RetryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(e.RetryAfter))
	}
	if e.Status == http.StatusMethodNotAllowed && c.Request().Method != http.MethodOptions {
		allowHead(c.Response().Header())
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(e.Status)
	}
	return c.Blob(e.Status, ProblemType, append(p.AppendJSON(nil), '\n'))
}
