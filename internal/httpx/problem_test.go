package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

// contract is the list of codes as the API's description has it.
const contract = `
400 malformed_request
401 unauthenticated
403 forbidden
404 ledger_not_found account_not_found transaction_not_found hold_not_found
409 ledger_exists account_exists reference_exists already_reverted hold_not_open
422 invalid_field unbalanced_transaction insufficient_funds balance_limit_exceeded amount_out_of_range account_closed
422 account_not_empty account_not_declared asset_not_allowed precondition_failed capture_exceeds_hold
422 idempotency_key_reused chart_conflict bulk_rejected period_closed
413 too_large
415 unsupported_media_type
429 rate_limited
503 overloaded
504 revision_not_reached
404 not_found
405 method_not_allowed
500 internal_error`

func TestTheTableHoldsTheContractAndNoMore(t *testing.T) {
	want := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(contract)) {
		words := strings.Fields(line)
		for _, code := range words[1:] {
			want[code] = words[0]
		}
	}
	got := map[string]string{}
	for _, e := range httpx.Codes() {
		got[string(e.Code)] = fmt.Sprint(e.Status)
		if e.Title == "" || !strings.HasSuffix(e.Explanation, ".") {
			t.Errorf("%s: wants a title, and an explanation in sentences", e.Code)
		}
		if wants := e.Status == 429 || e.Status == 503; wants != (e.RetryAfter > 0) {
			t.Errorf("%s: Retry-After is %d", e.Code, e.RetryAfter)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes and statuses (-contract +table):\n%s", diff)
	}
}

func serve(h echo.HandlerFunc, r *http.Request) *httptest.ResponseRecorder {
	e := httpx.New(httpx.Options{NewRequestID: func() string { return "made" }})
	e.Any("/test", h)
	e.Any("/test/:a/end", h)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func document(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != httpx.ProblemType {
		t.Errorf("Content-Type: %q", got)
	}
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, w.Body)
	}
	if doc["status"] != float64(w.Code) {
		t.Errorf("the document says status %v, the answer has %d", doc["status"], w.Code)
	}
	if doc["type"] != "/problems/"+doc["code"].(string) {
		t.Errorf("type %q for code %q", doc["type"], doc["code"])
	}
	return doc
}

func TestEveryErrorBecomesAProblem(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"problem":         {httpx.NewProblem("account_exists", "there"), "account_exists"},
		"wrapped problem": {fmt.Errorf("x: %w", httpx.NewProblem("account_exists", "there")), "account_exists"},
		"deadline":        {fmt.Errorf("x: %w", context.DeadlineExceeded), "overloaded"},
		"echo 404":        {echo.ErrNotFound, "not_found"},
		"echo 413":        {echo.ErrStatusRequestEntityTooLarge, "too_large"},
		"body too long":   {&http.MaxBytesError{Limit: 3}, "too_large"},
		"odd status":      {echo.NewHTTPError(418), "internal_error"},
		"anything":        {errors.New("secret of the house"), "internal_error"},
		"unlisted code":   {httpx.NewProblem("no_such_code", "a slip"), "no_such_code"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(func(echo.Context) error { return tc.err }, httptest.NewRequest(http.MethodGet, "/test", nil))
			if doc := document(t, w); doc["code"] != tc.want {
				t.Errorf("code %q, want %q", doc["code"], tc.want)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer shows the cause: %s", w.Body)
			}
			if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("status %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
		})
	}
}

func TestAProblemShowsFieldsAndMembersInOrder(t *testing.T) {
	p := httpx.NewProblem("insufficient_funds", "Alice has %d.", 3).At("/transfers/0", "too much").
		With("account", "users:\"alice\"").With("index", 7).With("transaction", uint64(1<<63)).With("cause", []int{1})
	w := serve(func(echo.Context) error { return p }, httptest.NewRequest(http.MethodGet, "/test", nil))
	want := `{"type":"/problems/insufficient_funds","title":"Insufficient funds","status":422,"code":"insufficient_funds",` +
		`"detail":"Alice has 3.","errors":[{"pointer":"/transfers/0","detail":"too much"}],` +
		`"account":"users:\"alice\"","index":7,"transaction":9223372036854775808,"cause":[1]}` + "\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	w := serve(nil, httptest.NewRequest(http.MethodGet, "/nowhere", nil))
	if doc := document(t, w); w.Code != 404 || doc["code"] != "not_found" {
		t.Errorf("%d %v", w.Code, doc)
	}
	w = serve(nil, httptest.NewRequest(http.MethodDelete, "/problems", nil))
	if doc := document(t, w); w.Code != 405 || doc["code"] != "method_not_allowed" || !strings.Contains(w.Header().Get("Allow"), "GET") {
		t.Errorf("%d %v Allow=%q", w.Code, doc, w.Header().Get("Allow"))
	}
	w = serve(nil, httptest.NewRequest(http.MethodHead, "/nowhere", nil))
	if w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestAPanicIsLoggedAndHidden(t *testing.T) {
	var log bytes.Buffer
	e := httpx.New(httpx.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e.GET("/test", func(echo.Context) error { panic("secret of the house") })
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/test", nil)
	r.Header.Set("X-Request-Id", "find-me")
	e.ServeHTTP(w, r)
	if doc := document(t, w); doc["code"] != "internal_error" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("answer: %s", w.Body)
	}
	for _, want := range []string{"secret of the house", "problem_test.go", "request_id=find-me", "level=ERROR"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not hold %q:\n%s", want, log.String())
		}
	}
}

func TestAClientThatLeftGetsNoProblem(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	r := httptest.NewRequest(http.MethodGet, "/test", nil).WithContext(ctx)
	w := serve(func(c echo.Context) error { leave(); return c.Request().Context().Err() }, r)
	if w.Code != 499 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestProblemsExplainThemselves(t *testing.T) {
	for _, e := range httpx.Codes() {
		r := httptest.NewRequest(http.MethodGet, "/problems/"+string(e.Code), nil)
		w := serve(nil, r)
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got["explanation"] != e.Explanation {
			t.Errorf("%s: %d %s", e.Code, w.Code, w.Body)
		}
		r.Header.Set("Accept", "text/html,*/*")
		if w = serve(nil, r); !strings.Contains(w.Body.String(), e.Title) || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Errorf("%s as HTML: %d %s", e.Code, w.Code, w.Body)
		}
	}
	if w := serve(nil, httptest.NewRequest(http.MethodGet, "/problems", nil)); strings.Count(w.Body.String(), `"type":`) != len(httpx.Codes()) {
		t.Errorf("/problems: %s", w.Body)
	}
	if w := serve(nil, httptest.NewRequest(http.MethodGet, "/problems/<script>", nil)); w.Code != 404 {
		t.Errorf("an unknown code: %d", w.Code)
	}
}

func TestRequestIDs(t *testing.T) {
	for sent, want := range map[string]string{
		"": "made", "abc-1": "abc-1", "two words": "made", "é": "made", strings.Repeat("x", 128): strings.Repeat("x", 128),
		strings.Repeat("x", 129): "made",
	} {
		r := httptest.NewRequest(http.MethodGet, "/test", nil)
		r.Header.Set("X-Request-Id", sent)
		w := serve(func(c echo.Context) error { return c.String(200, httpx.RequestID(c)) }, r)
		if got := w.Header().Get("X-Request-Id"); got != want || w.Body.String() != want {
			t.Errorf("sent %q: header %q, handler saw %q", sent, got, w.Body)
		}
	}
}
