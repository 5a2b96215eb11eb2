package openapitest

import (
	"net/http"
)

// Transport checks all that goes through a client's transport.
func (c *Checker) Transport(next http.RoundTripper) http.RoundTripper { return transport{c, next} }

type transport struct {
	checker *Checker
	next    http.RoundTripper
}

// RoundTrip sends the request, and looks at bodies while they are read.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &exchange{
		checker: t.checker, operation: t.checker.find(r.Method, r.URL.EscapedPath()),
		method: r.Method, url: r.URL, header: r.Header,
	}
	if x.operation != nil && r.Body != nil && r.Body != http.NoBody {
		var body sink
		if body, x.bodyFault = x.operation.requestBody(r.Header.Get("Content-Type")); body != nil {
			r = r.Clone(r.Context())
			r.Body = &tee{ReadCloser: r.Body, sink: body}
			r.GetBody = nil
		}
	}
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return response, err //nolint:wrapcheck // the next one's
	}
	x.status, x.answer = response.StatusCode, response.Header
	if body := x.begun(); body != nil {
		response.Body = &tee{ReadCloser: response.Body, sink: body}
	}
	return response, nil
}
