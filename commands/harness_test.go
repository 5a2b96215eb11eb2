package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/openapi/openapitest"
)

// house is the command side as a client sees it, over a log in memory.
type house struct {
	t     testing.TB
	store *memstore.Store
	echo  *echo.Echo
	lag   *lag.Bound // as far as a test tells it
}

// clock stands still: what is recorded is the same in every run.
func clock() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC) }

// newHouse builds the house over an empty log, and holds all that is asked and answered to the API's description.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := houseOver(t, memstore.New(), nil)
	if t, ok := t.(*testing.T); ok { // a benchmark measures the handlers, not those who watch them
		h.echo.Pre(openapitest.Watch(t).Middleware)
	}
	return h
}

// houseOver builds the house over a log that is there, with something between handlers and engines if wrap is given.
func houseOver(t testing.TB, store *memstore.Store, wrap func(commands.Submitter) commands.Submitter) *house {
	t.Helper()
	engines := commands.NewEngines(store, engine.Options{Clock: clock})
	t.Cleanup(func() {
		if err := engines.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var ledgers commands.Submitter = engines
	if wrap != nil {
		ledgers = wrap(ledgers)
	}
	bound := lag.New(100, nil)
	e := httpx.New(httpx.Options{NewRequestID: func() string { return "request-1" }})
	commands.New(commands.Options{
		Ledgers: ledgers, Store: store, BulkLimit: 8 << 20, Lag: bound,
		Actor: func(c echo.Context) string {
			if who := c.Request().Header.Get("Test-Actor"); who != "" {
				return who
			}
			return "anonymous"
		},
	}).Register(e.Group("/v1"))
	return &house{t: t, store: store, echo: e, lag: bound}
}

// reply is an answer, and how to ask it questions.
type reply struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any
}

// post sends a body, with headers as "Name: value". A body that begins with a line of "ndjson" is sent as such.
func (h *house) post(path, body string, headers ...string) *reply {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", httpx.MediaJSON)
	return h.send(r, headers...)
}

func (h *house) postLines(path string, body io.Reader, headers ...string) *reply {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", httpx.MediaNDJSON)
	return h.send(r, headers...)
}

func (h *house) send(r *http.Request, headers ...string) *reply {
	h.t.Helper()
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header[name] = append(r.Header[name], value)
		if name == "Content-Type" {
			r.Header[name] = []string{value}
		}
	}
	w := httptest.NewRecorder()
	h.echo.ServeHTTP(w, r)
	got := &reply{t: h.t, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &got.JSON); err != nil {
		h.t.Fatalf("POST %s: the answer is not JSON: %v\n%s", r.URL, err, w.Body)
	}
	return got
}

// at finds a member by a path such as "errors.0.pointer", as text; "-" where there is none.
func (r *reply) at(path string) string {
	var v any = r.JSON
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(at) {
				return "-"
			}
			v = at[i]
		default:
			return "-"
		}
	}
	switch v := v.(type) {
	case nil:
		return "-"
	case float64:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprint(v)
	}
}

// want tests the status, and members as "path=value".
func (r *reply) want(status int, members ...string) *reply {
	r.t.Helper()
	if r.Status != status {
		r.t.Errorf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
	for _, member := range members {
		path, value, _ := strings.Cut(member, "=")
		if got := r.at(path); got != value {
			r.t.Errorf("%s is %s, want %s\n%s", path, got, value, r.Body)
		}
	}
	return r
}

func (r *reply) wantHeader(name, value string) *reply {
	r.t.Helper()
	if got := r.Header.Get(name); got != value {
		r.t.Errorf("header %s is %q, want %q", name, got, value)
	}
	return r
}

// log is the whole log, one line an event: "ledger-a/0 LedgerOpened {…}".
func (h *house) log() []string {
	h.t.Helper()
	var lines []string
	for recorded, err := range h.store.ReadAll(context.Background(), eventstore.Start) {
		if err != nil {
			h.t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s/%d %s %s", recorded.Stream, recorded.Revision, recorded.Type, recorded.Data))
	}
	return lines
}

// opened is a house with the ledger "books" (template wallets) in it, where the world has given alice 1000 USD/2.
func opened(t testing.TB) *house {
	t.Helper()
	h := newHouse(t)
	h.post("/v1/ledgers", `{"name":"books","template":"wallets"}`).want(201)
	h.post("/v1/ledgers/books/transactions", pay("world", "users:alice", "1000")).want(201)
	return h
}

func pay(from, to, amount string) string {
	return fmt.Sprintf(`{"transfers":[{"from":%q,"to":%q,"asset":"USD/2","amount":%q}]}`, from, to, amount)
}
