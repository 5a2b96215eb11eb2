package openapitest

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Middleware checks all that a server is asked and answers, for tests without a network. It is to be the first: what
// stands before it is not seen.
func (c *Checker) Middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		r := e.Request()
		x := &exchange{
			checker: c, operation: c.find(r.Method, r.URL.EscapedPath()),
			method: r.Method, url: r.URL, header: r.Header,
		}
		if x.operation != nil && r.Body != nil {
			var body sink
			if body, x.bodyFault = x.operation.requestBody(r.Header.Get("Content-Type")); body != nil {
				r.Body = &tee{ReadCloser: r.Body, sink: body}
			}
		}
		w := &recorder{ResponseWriter: e.Response().Writer, exchange: x}
		e.Response().Writer = w
		if err := next(e); err != nil {
			e.Error(err)
		}
		if w.body != nil {
			w.body.end(true)
		}
		return nil
	}
}

// recorder shows what is written to the exchange.
type recorder struct {
	http.ResponseWriter

	exchange *exchange
	begun    bool
	body     sink
}

// WriteHeader is where the answer begins.
func (w *recorder) WriteHeader(status int) {
	if !w.begun {
		w.begun = true
		w.exchange.status, w.exchange.answer = status, w.Header()
		w.body = w.exchange.begun()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes a piece of the body on.
func (w *recorder) Write(p []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.body != nil {
		_, _ = w.body.Write(p) // never fails
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
