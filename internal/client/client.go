// Package client speaks Daybook's HTTP API from Go: the command line uses it, and so do tests that drive the real
// program.
//
// It is thin: a method for a request, the types of internal/wire for answers, and [Problem] for what the server
// refuses. It keeps no state and repeats nothing: whether a request may be sent again is its caller's to know. Data
// come from its callers and go out over HTTP.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Client sends requests to one server. It is safe for concurrent use.
type Client struct {
	// BaseURL is the server's, without "/v1": "http://127.0.0.1:8080".
	BaseURL string
	// HTTP sends the requests. Nil is [http.DefaultClient].
	HTTP *http.Client
	// Patience bounds the wait until an answer begins, from when the request is sent. How long it takes to be read has no bound.
	// Zero is for ever.
	Patience time.Duration
}

// ErrSilent means that no answer began in time: nobody knows whether a command was carried out.
var ErrSilent = errors.New("the server does not answer")

// Media types of requests and answers.
const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
)

// Get asks for a resource, such as "/ledgers/main/balances", and reads the answer into a pointer; a *json.RawMessage
// takes it as it is.
func (c *Client) Get(ctx context.Context, path string, query Query, into any) error {
	return c.exchange(ctx, http.MethodGet, path, query.values(), nil, nil, into)
}

// post sends a command. The key is its idempotency key, or empty.
func (c *Client) post(ctx context.Context, path, key string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the request to %s as JSON: %w", path, err)
	}
	return c.command(ctx, http.MethodPost, path, key, data, into)
}

// command sends a command whose body is JSON already.
func (c *Client) command(ctx context.Context, method, path, key string, body []byte, into any) error {
	header := http.Header{"Content-Type": {mediaJSON}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return c.exchange(ctx, method, path, nil, header, bytes.NewReader(body), into)
}

// exchange sends a request and reads the whole answer.
func (c *Client) exchange(
	ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader, into any,
) error {
	answer, err := c.send(ctx, method, path, query, header, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	// What follows the JSON is read too, so that the connection can be used again.
	_, err = io.Copy(io.Discard, answer.Body)
	if err != nil {
		return fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	return nil
}

// send gives an answer of success, whose body the caller closes.
func (c *Client) send(
	ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader,
) (*http.Response, error) {
	target := strings.TrimRight(c.BaseURL, "/") + "/v1" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("make the request %s %s: %w", method, path, err)
	}
	maps.Copy(request.Header, header)
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", mediaJSON)
	}
	answer, err := c.do(request, cancel)
	if err != nil {
		cancel(nil)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("no server answers at %s (daybook serve starts one): %w", c.BaseURL, syscall.ECONNREFUSED)
		}
		return nil, fmt.Errorf("send the request: %w", err)
	}
	answer.Body = &lastBody{answer.Body, cancel}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, readProblem(answer)
}

// do sends a request and waits, no longer than the client has patience, for the answer to begin.
func (c *Client) do(request *http.Request, cancel context.CancelCauseFunc) (*http.Response, error) {
	if c.Patience > 0 {
		impatient := time.AfterFunc(c.Patience, func() { cancel(fmt.Errorf("%w within %s", ErrSilent, c.Patience)) })
		defer impatient.Stop()
	}
	sender := c.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	answer, err := sender.Do(request) //nolint:gosec // the server is the one that the user names
	if cause := context.Cause(request.Context()); err != nil && errors.Is(cause, ErrSilent) {
		return nil, cause
	}
	return answer, err //nolint:wrapcheck // the caller says what was tried
}

// lastBody ends the context of its request when it is closed.
type lastBody struct {
	io.ReadCloser

	end context.CancelCauseFunc
}

// Close implements [io.Closer].
func (b *lastBody) Close() error {
	defer b.end(nil)
	return b.ReadCloser.Close() //nolint:wrapcheck // it says all
}

// Problem is the error of a request that the server refused (RFC 9457).
type Problem struct { //nolint:errname // what RFC 9457 calls it
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail"`
	Code   string  `json:"code"`
	Errors []Field `json:"errors"`
	// Transaction is the one that has the reference, where the code is "reference_exists"; or Hold is.
	Transaction uint64 `json:"transaction"`
	Hold        uint64 `json:"hold"`
}

// Field is a part of a request that is at fault.
type Field struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error gives the status, the code and the detail, and the fields at fault that the detail does not tell already.
func (p *Problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s: %s", p.Status, p.Code, p.Detail)
	for _, field := range p.Errors {
		if told := field.Pointer + ": " + field.Detail; !strings.Contains(p.Detail, told) {
			fmt.Fprintf(&b, " [%s]", told)
		}
	}
	return b.String()
}

// IsCode tells whether an error is a problem with a code.
func IsCode(err error, code string) bool {
	var problem *Problem
	return errors.As(err, &problem) && problem.Code == code
}

// maxProblem bounds what is read of an answer that is an error.
const maxProblem = 1 << 20

func readProblem(answer *http.Response) error {
	problem := &Problem{}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxProblem))
	if err != nil {
		return fmt.Errorf("read the answer %s: %w", answer.Status, err)
	}
	if json.Unmarshal(data, problem) != nil || problem.Code == "" {
		const shown = 200
		return fmt.Errorf("the server answered %s, which is not one of Daybook's problems: %.*q", answer.Status, shown, data)
	}
	problem.Status = answer.StatusCode
	return problem
}
