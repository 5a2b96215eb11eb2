package commands_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// fallBehind lets a read model fall too far behind, and gives what brings it near again.
func (h *house) fallBehind() (catchUp func()) {
	h.lag.Tell(map[string]uint64{"entries": 0})
	h.lag.Tell(map[string]uint64{"entries": 101})
	return func() { h.lag.Tell(map[string]uint64{"entries": 0}) }
}

func TestCommandsAreRefusedWhileTheReadModelsAreTooFarBehind(t *testing.T) {
	h := opened(t)
	h.post("/v1/ledgers/books/holds", pay("users:alice", "users:bob", "1")).want(201)
	before := h.log()
	catchUp := h.fallBehind()
	patch := func(path string) *reply {
		r := httptest.NewRequest(http.MethodPatch, path, strings.NewReader(`{"metadata":{"k":"v"}}`))
		r.Header.Set("Content-Type", "application/json")
		return h.send(r)
	}
	put := httptest.NewRequest(http.MethodPut, "/v1/ledgers/books/chart", strings.NewReader(`{"undeclared":"allow","rules":[]}`))
	put.Header.Set("Content-Type", "application/json")
	one := post(pay("users:alice", "users:bob", "1"))
	for name, refused := range map[string]*reply{
		"a transaction": h.post(toTransactions, pay("users:alice", "users:bob", "1")),
		"a ledger":      h.post(toLedgers, `{"name":"other"}`),
		"an account":    h.post(toAccounts, `{"address":"x"}`),
		"a closing":     h.post(toAccounts+"/users:alice/close", `{}`),
		"a chart":       h.send(put),
		"metadata":      patch(toAccounts + "/users:alice"),
		"a reversal":    h.post(toTransactions+"/1/revert", `{}`),
		"of no one":     h.post(toTransactions+"/99/revert", `{}`),
		"a hold":        h.post("/v1/ledgers/books/holds", pay("users:alice", "users:bob", "1")),
		"a capture":     h.post("/v1/ledgers/books/holds/1/capture", `{}`),
		"a void":        h.post("/v1/ledgers/books/holds/1/void", `{}`),
		"a period":      h.post("/v1/ledgers/books/periods/close", `{"through":"2026-01-31"}`),
		"an assertion":  h.post("/v1/ledgers/books/assertions", `{"account":"users:**","asset":"USD/2","gte":"0"}`),
		"a bulk":        h.post(toBulk, bulkOf(one, one)),
		"a whole bulk":  h.post(toBulk, `{"atomic":true,"commands":[`+one+`]}`),
		"a stream":      h.postLines(toBulk, lines(one)),
	} {
		t.Run(name, func(t *testing.T) {
			refused.t = t
			refused.want(503, "code=overloaded").wantHeader("Retry-After", "1")
			if !strings.Contains(refused.at("detail"), "read models") || !strings.Contains(refused.at("detail"), "nothing was done") {
				t.Errorf("the detail is %q", refused.at("detail"))
			}
		})
	}
	// What writes nothing goes on, and what is wrong is still said to be.
	dry := strings.TrimSuffix(pay("users:alice", "users:bob", "1"), "}") + `,"dry_run":true}`
	h.post(toTransactions, dry).want(200)
	h.post(toTransactions, pay("users:alice", "users:bob", "0")).want(422)
	if after := h.log(); len(after) != len(before) {
		t.Errorf("the log has %d events, and had %d", len(after), len(before))
	}
	catchUp()
	h.post(toTransactions, pay("users:alice", "users:bob", "1")).want(201)
	h.postLines(toBulk, lines(one)).want(200, "accepted=1")
}

// interrupted is a house whose read models fall behind when so many lines of a stream were submitted.
func interrupted(t *testing.T, after int) (h *house, held <-chan struct{}, catchUp func()) {
	t.Helper()
	fellBehind := make(chan struct{})
	submitted, catch := 0, func() {}
	h = houseOver(t, memstore.New(), func(inner commands.Submitter) commands.Submitter {
		return submitFunc(func(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
			if _, waits := <-h.held(); waits {
				t.Error("a unit was submitted while commands are held up")
			}
			result, err := inner.Submit(ctx, stream, unit)
			before := submitted
			if submitted += len(unit.Commands); before < after && submitted >= after {
				catch = h.fallBehind()
				close(fellBehind)
			}
			return result, err
		})
	})
	return h, fellBehind, func() { catch() }
}

// held gives something at once where commands are held up, and is closed where they are not.
func (h *house) held() <-chan struct{} {
	told := make(chan struct{}, 1)
	if h.lag.Held() != nil {
		told <- struct{}{}
	}
	close(told)
	return told
}

func TestAStreamWaitsForTheReadModelsAndGoesOn(t *testing.T) {
	const n = 5000
	h, held, catchUp := interrupted(t, 600)
	h.post(toLedgers, `{"name":"books"}`).want(201)
	done := make(chan *reply, 1)
	go func() {
		body := generate(n, func(i int) string { return post(pay("world", fmt.Sprintf("users:%d", i), "1")) })
		done <- h.postLines(toBulk, body)
	}()
	<-held
	h.post(toTransactions, pay("world", "users:x", "1")).want(503)
	select {
	case early := <-done:
		t.Fatalf("the stream did not wait: %d %s", early.Status, early.Body)
	default:
	}
	catchUp()
	(<-done).want(200, fmt.Sprintf("accepted=%d", n), "rejected=0")
	if got := len(h.log()); got != 1+1+2*n { // the ledger, the world, and of each line an account and a transaction
		t.Errorf("the log has %d events", got)
	}
}

func TestAStreamThatWaitsEndsWithItsRequest(t *testing.T) {
	h, held, _ := interrupted(t, 600)
	h.post(toLedgers, `{"name":"books"}`).want(201)
	ctx, cancel := context.WithCancel(t.Context())
	body := generate(5000, func(i int) string { return post(pay("world", fmt.Sprintf("users:%d", i), "1")) })
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, toBulk, body)
	request.Header.Set("Content-Type", httpx.MediaNDJSON)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.echo.ServeHTTP(httptest.NewRecorder(), request)
	}()
	<-held
	cancel()
	<-done
	_, _ = io.Copy(io.Discard, body) // lets the generator end
}
