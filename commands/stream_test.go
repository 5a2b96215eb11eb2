package commands_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

func lines(list ...string) *strings.Reader { return strings.NewReader(strings.Join(list, "\n")) }

func TestAStreamTakesWhatIsGoodAndTellsWhatIsBad(t *testing.T) {
	h := opened(t)
	answer := h.postLines(toBulk, lines(
		post(pay("users:alice", "users:bob", "10")), // 1
		``, // 2
		post(pay("users:alice", "users:bob", "10"))+"\r", // 3
		"\r",                         // 4
		`{"type":"post_transaction"`, // 5
		post(pay("users:alice", "users:bob", "0")),                            // 6
		post(pay("users:alice", "users:bob", "1001")),                         // 7
		`{"type":"open_account","data":{"address":"x"},"x":1}`,                // 8
		`{"type":"post_transaction","data":"`+strings.Repeat("x", 1<<20)+`"}`, // 9
		`{"type":"open_account","data":{"address":"users:bob"}}`,              // 10
		`   `, // 11
		`{"type":"open_account","data":{"address":"y"}}`, // 12: the last line has no end
	)).want(200, "accepted=3", "rejected=7", "revision=7").wantHeader("Daybook-Revision", "7")
	var got []string
	for i := range answer.JSON["problems"].([]any) {
		at := func(member string) string { return answer.at(fmt.Sprintf("problems.%d.%s", i, member)) }
		got = append(got, at("line")+" "+at("status")+" "+at("code"))
		if at("detail") == "-" {
			t.Errorf("problem %d has no detail", i)
		}
	}
	want := []string{
		"5 400 malformed_request", "6 422 invalid_field", "7 422 insufficient_funds", "8 400 malformed_request",
		"9 413 too_large", "10 409 account_exists", "11 400 malformed_request",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got) %s", diff)
	}
}

func TestALineOfTheGreatestLength(t *testing.T) {
	h := opened(t)
	body := func(n int) string {
		line := `{"type":"open_account","data":{"address":"x"}}`
		return line + strings.Repeat(" ", n-len(line)) + "\n"
	}
	h.postLines(toBulk, strings.NewReader(body(1<<20))).want(200, "accepted=1")
	h.postLines(toBulk, strings.NewReader(body(1<<20+1)+body(100))).want(200, "accepted=0", "problems.0.code=too_large",
		"problems.1.code=account_exists", "problems.1.line=2")
}

func TestAStreamOfNothing(t *testing.T) {
	h := opened(t)
	for _, body := range []string{"", "\n", "\r\n\n"} {
		h.postLines(toBulk, strings.NewReader(body)).want(200, "accepted=0", "rejected=0", "revision=3", "problems=[]")
	}
	h.postLines("/v1/ledgers/none/bulk", strings.NewReader("")).want(404, "code=ledger_not_found")
	h.postLines("/v1/ledgers/NONE/bulk", strings.NewReader("")).want(404, "code=ledger_not_found")
}

func TestAStreamTellsTheFirstThousandProblems(t *testing.T) {
	h := opened(t)
	answer := h.postLines(toBulk, strings.NewReader(strings.Repeat("x\n", 1500))).want(200, "rejected=1500")
	if n := len(answer.JSON["problems"].([]any)); n != 1000 {
		t.Errorf("%d problems, want 1000", n)
	}
}

func TestALongStreamKeepsTheOrderOfItsLines(t *testing.T) {
	const n = 20_000
	h := opened(t)
	body := generate(n, func(i int) string {
		// Each passes on what the one before brought: out of order it would be refused.
		return post(pay(fmt.Sprintf("users:%d", i), fmt.Sprintf("users:%d", i+1), "1"))
	})
	h.post(toTransactions, pay("world", "users:0", "1")).want(201)
	h.postLines(toBulk, body).want(200, fmt.Sprintf("accepted=%d", n), "rejected=0", fmt.Sprintf("revision=%d", 5+2*n))
}

// generate streams n lines that are made when they are read.
func generate(n int, line func(i int) string) io.Reader {
	r, w := io.Pipe()
	go func() {
		for i := range n {
			if _, err := io.WriteString(w, line(i)+"\n"); err != nil {
				return
			}
		}
		w.Close()
	}()
	return r
}

func TestAStreamCanBeSentAgain(t *testing.T) {
	h := opened(t)
	own := `{"type":"open_account","idempotency_key":"own","data":{"address":"x"}}`
	body := []string{post(pay("users:alice", "users:bob", "1")), own, post(pay("users:alice", "users:bob", "1"))}
	h.postLines(toBulk, lines(body[:2]...), "Idempotency-Key: s").want(200, "accepted=2", "revision=6")
	h.postLines(toBulk, lines(body...), "Idempotency-Key: s").want(200, "accepted=3", "revision=7")
	h.postLines(toBulk, lines(body...), "Idempotency-Key: s").want(200, "accepted=3", "revision=7")
	h.postLines(toBulk, lines(body...)).want(200, "accepted=3", "revision=9") // only "own" is known
	body[0] = post(pay("users:alice", "users:bob", "2"))
	h.postLines(toBulk, lines(body...), "Idempotency-Key: s").want(200, "accepted=2", "problems.0.code=idempotency_key_reused")
}

type failing struct{ after io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.after.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("connection reset by peer")
	}
	return n, err
}

func TestAStreamThatBreaksOffKeepsItsWholeLines(t *testing.T) {
	h := opened(t)
	h.postLines(toBulk, failing{lines(post(pay("world", "a", "1")), post(pay("world", "b", "1")), post(pay("world", "c", "1")))}).
		want(400, "code=malformed_request", "accepted=2", "rejected=0", "revision=7")
	h.post(toAccounts, `{"address":"b"}`).want(409)
	h.post(toAccounts, `{"address":"c"}`).want(201)
}

func TestAStreamOverTheNetworkThatIsCutKeepsWhatWasAccepted(t *testing.T) {
	committed := make(chan struct{}, 100)
	store := memstore.New()
	h := houseOver(t, store, func(inner commands.Submitter) commands.Submitter {
		return submitFunc(func(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
			result, err := inner.Submit(ctx, stream, unit)
			if !unit.DryRun {
				committed <- struct{}{}
			}
			return result, err
		})
	})
	h.post(toLedgers, `{"name":"books"}`).want(201)
	<-committed
	server := httptest.NewServer(h.echo)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	line := post(pay("world", "a", "1")) + "\n"
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 1000000\r\n\r\n%s", toBulk, line)
	<-committed // it is durable although the stream goes on
	conn.Close()
	server.Close()
	h.post("/v1/ledgers/books/accounts", `{"address":"a"}`).want(409)
}

type submitFunc func(context.Context, string, commands.Unit) (commands.Result, error)

func (f submitFunc) Submit(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
	return f(ctx, stream, unit)
}

// faulty fails every submission, but for dry runs, while fail gives an error.
func faulty(t *testing.T, fail func() error) *house {
	t.Helper()
	h := houseOver(t, memstore.New(), func(inner commands.Submitter) commands.Submitter {
		return submitFunc(func(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
			if err := fail(); err != nil && !unit.DryRun {
				return commands.Result{}, fmt.Errorf("append: %w", err)
			}
			return inner.Submit(ctx, stream, unit)
		})
	})
	return h
}

func TestOverloadHoldsAStreamUpAndRefusesSingleCommands(t *testing.T) {
	failures := 0
	h := faulty(t, func() error {
		if failures > 0 {
			failures--
			return engine.ErrOverloaded
		}
		return nil
	})
	h.post(toLedgers, `{"name":"books"}`).want(201)
	failures = 1
	h.post(toTransactions, pay("world", "a", "1")).want(503, "code=overloaded").wantHeader("Retry-After", "1")
	failures = 3
	h.postLines(toBulk, lines(post(pay("world", "a", "1")), post(pay("world", "b", "1")))).want(200, "accepted=2", "rejected=0")
	if failures != 0 {
		t.Errorf("%d failures were not met", failures)
	}
}

func TestFailuresOfTheEngine(t *testing.T) {
	var failure error
	h := faulty(t, func() error { return failure })
	h.post(toLedgers, `{"name":"books"}`).want(201)
	for _, tc := range []struct {
		err    error
		status int
		code   string
		detail string
	}{
		{engine.ErrOverloaded, 503, "overloaded", "nothing was done"},
		{engine.ErrUnavailable, 503, "overloaded", "cannot be written"},
		{engine.ErrClosed, 503, "overloaded", "stopping"},
		{engine.ErrOutcomeUnknown, 503, "overloaded", "same idempotency key"},
		{engine.ErrTooLarge, 413, "too_large", "Split it"},
		{engine.ErrKeyReused, 422, "idempotency_key_reused", "used before"},
		{engine.ErrCorrupt, 500, "internal_error", "failed"},
		{context.DeadlineExceeded, 503, "overloaded", "in time"},
		{errors.New("secret of the house"), 500, "internal_error", "failed"},
	} {
		failure = tc.err
		single := h.post(toTransactions, pay("world", "a", "1")).want(tc.status, "code="+tc.code)
		bulk := h.post(toBulk, bulkOf(post(pay("world", "a", "1")))).want(tc.status, "code="+tc.code)
		if !errors.Is(tc.err, engine.ErrOverloaded) {
			h.postLines(toBulk, lines(post(pay("world", "a", "1")))).want(tc.status, "code="+tc.code, "accepted=0", "revision=0")
		}
		for _, answer := range []*reply{single, bulk} {
			if !strings.Contains(answer.at("detail"), tc.detail) || strings.Contains(answer.Body, "secret") {
				t.Errorf("%v: %s", tc.err, answer.Body)
			}
			if (tc.status == http.StatusServiceUnavailable) != (answer.Header.Get("Retry-After") != "") {
				t.Errorf("%v: Retry-After %q", tc.err, answer.Header.Get("Retry-After"))
			}
		}
	}
}

// A stream's memory is what waits, not what went through.
func TestAStreamTakesConstantMemory(t *testing.T) {
	const n, early = 60_000, 10_000
	h := houseOver(t, memstore.New(), func(commands.Submitter) commands.Submitter {
		return submitFunc(func(_ context.Context, _ string, unit commands.Unit) (commands.Result, error) {
			result := commands.Result{Exists: true, Answers: make([]engine.Answer[ledger.Event], len(unit.Commands))}
			return result, nil
		})
	})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var first, last uint64
	body := generate(n, func(i int) string {
		switch i {
		case early:
			first = heap()
		case n - 1:
			last = heap()
		}
		return post(`{"description":"` + strings.Repeat("d", 1000) + `",` + strings.TrimPrefix(pay("world", "users:x", "1"), "{"))
	})
	h.postLines(toBulk, body).want(200, fmt.Sprintf("accepted=%d", n))
	if first == 0 || last > first+8<<20 {
		t.Errorf("%d bytes of heap after %d lines, %d after %d", first, early, last, n)
	}
}

func TestStreamsSideBySide(t *testing.T) {
	h := opened(t)
	server := httptest.NewServer(h.echo)
	defer server.Close()
	var wg sync.WaitGroup
	for s := range 4 {
		wg.Go(func() {
			body := generate(500, func(i int) string { return post(pay("world", fmt.Sprintf("users:%d:%d", s, i), "1")) })
			res, err := http.Post(server.URL+toBulk, httpx.MediaNDJSON, body)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), `{"accepted":500,"rejected":0,`) {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
	wg.Wait()
}

// bounded is a recorder with a deadline for what is written to it.
type bounded struct {
	*httptest.ResponseRecorder

	until time.Time
}

func (b *bounded) SetWriteDeadline(until time.Time) error {
	b.until = until
	return nil
}

// TestTheAnswerToAStreamIsBounded: a client that never reads it would hold its handler for ever.
func TestTheAnswerToAStreamIsBounded(t *testing.T) {
	h := opened(t)
	for _, body := range []string{post(pay("users:alice", "users:bob", "10")), `{`} {
		r := httptest.NewRequest(http.MethodPost, toBulk, strings.NewReader(body))
		r.Header.Set("Content-Type", httpx.MediaNDJSON)
		w := &bounded{ResponseRecorder: httptest.NewRecorder()}
		h.echo.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.until.IsZero() {
			t.Errorf("%s: status %d, to be written until %v", body, w.Code, w.until)
		}
	}
}
