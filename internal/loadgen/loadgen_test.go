package loadgen_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

func serveWith(t *testing.T, handler http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// serve answers with the request's body until the given number of requests, and with 503 from then on.
func serve(t *testing.T, good int64) (address string, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	address = serveWith(t, func(w http.ResponseWriter, r *http.Request) {
		if served.Add(1) > good {
			http.Error(w, "enough", http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path != "/echo" || r.Header.Get("Content-Type") != "application/json" || string(body) != `{"n":1}` {
			t.Errorf("the server got %s %q", r.URL.Path, body)
		}
		w.WriteHeader(http.StatusCreated)
		if served.Load()%2 == 0 {
			w.(http.Flusher).Flush() // from here on the answer goes in chunks
		}
		_, _ = w.Write(body)
	})
	return address, served
}

func load(address string) loadgen.Load {
	source := func(buf []byte) []byte { return loadgen.Post(buf, address, "/echo", []byte(`{"n":1}`)) }
	return loadgen.Load{
		Address: address, Sources: []loadgen.Source{source, source, source},
		Duration: 50 * time.Millisecond, Status: http.StatusCreated,
	}
}

func mustRun(t *testing.T, load loadgen.Load) *loadgen.Result {
	t.Helper()
	result, err := loadgen.Run(t.Context(), load)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestEveryAnswerIsCountedOnce(t *testing.T) {
	address, served := serve(t, 1<<40)
	result := mustRun(t, load(address))
	if result.Requests == 0 || int64(result.Requests) != served.Load() || result.Latencies.Count() != uint64(result.Requests) ||
		result.Accepted != result.Requests || result.Lateness.Count() != 0 {
		t.Fatalf("counted %d, the server %d", result.Requests, served.Load())
	}
}

func TestWrongAnswerEndsTheRun(t *testing.T) {
	address, _ := serve(t, 10)
	slow := load(address)
	slow.Duration = time.Hour
	result, err := loadgen.Run(t.Context(), slow)
	if err == nil || !strings.Contains(err.Error(), "want status 201, got 503: enough") {
		t.Fatalf("error %v", err)
	}
	if result.Requests != 10 {
		t.Fatalf("counted %d good answers, want 10", result.Requests)
	}
}

func TestNobodyListens(t *testing.T) {
	if _, err := loadgen.Run(t.Context(), load("127.0.0.1:1")); err == nil {
		t.Fatal("no error")
	}
}

// TestAStallIsInThePercentilesOfAnOpenLoop has a server that answers nothing for as long as requests are due. A closed
// loop would have three slow requests then. Here they are all slow, by what was left of the stall when they were due.
func TestAStallIsInThePercentilesOfAnOpenLoop(t *testing.T) {
	const lasts = 100 * time.Millisecond
	over := make(chan struct{})
	var first sync.Once
	address := serveWith(t, func(w http.ResponseWriter, _ *http.Request) {
		first.Do(func() { time.AfterFunc(lasts, func() { close(over) }) })
		<-over
		w.WriteHeader(http.StatusCreated)
	})
	l := load(address)
	l.Duration, l.Rate = lasts, 1000
	result := mustRun(t, l)
	if result.Requests != 100 {
		t.Errorf("%d requests were sent, and 100 were due", result.Requests)
	}
	for p, least := range map[float64]time.Duration{20: 10 * time.Millisecond, 50: 40 * time.Millisecond, 90: 80 * time.Millisecond} {
		if got := result.Latencies.Percentile(p); got < least {
			t.Errorf("p%v is %s, want %s at least", p, got, least)
		}
		if got := result.Lateness.Percentile(p); p == 90 && got < least {
			t.Errorf("p%v was sent %s late, want %s at least", p, got, least)
		}
	}
}

// TestARefusedRequestIsSentAgain has a server that refuses every other request for now.
func TestARefusedRequestIsSentAgain(t *testing.T) {
	var served atomic.Int64
	address := serveWith(t, func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1)%2 == 0 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "wait", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	l := load(address)
	l.Sources, l.Duration, l.Rate = l.Sources[:1], 50*time.Millisecond, 100
	result := mustRun(t, l)
	if result.Requests != 5 || result.Refused != 4 || served.Load() != 9 {
		t.Fatalf("%d answered, %d refused, %d served; want 5, 4, 9", result.Requests, result.Refused, served.Load())
	}
}

func TestSourcesEndTheLoad(t *testing.T) {
	address, served := serve(t, 1<<40)
	l := load(address)
	l.Duration = 0
	for i, all := range l.Sources {
		left := 10 * i
		l.Sources[i] = func(buf []byte) []byte {
			if left--; left < 0 {
				return nil
			}
			return all(buf)
		}
	}
	l.Accepted = func(body []byte) (accepted, refused int, err error) {
		return len(body), bytes.Count(body, []byte{'n'}), nil
	}
	if result := mustRun(t, l); result.Requests != 30 || served.Load() != 30 || result.Accepted != 30*7 || result.Refused != 30 {
		t.Fatalf("%+v", *result)
	}
}

func TestATimetableHasOneRequestAtLeast(t *testing.T) {
	address, _ := serve(t, 1<<40)
	l := load(address)
	l.Duration, l.Rate = time.Millisecond, 1
	if result := mustRun(t, l); result.Requests != 1 {
		t.Fatalf("%d requests", result.Requests)
	}
}

func TestTheEndOfTheContextEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	address := serveWith(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		_, _ = io.Copy(io.Discard, r.Body) // without which the server does not look after the connection
		<-r.Context().Done()
	})
	l := load(address)
	l.Duration = time.Hour
	if _, err := loadgen.Run(ctx, l); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
}

func TestGet(t *testing.T) {
	address := serveWith(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.String() != "/a?b=c" {
			t.Errorf("the server got %s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusOK)
	})
	l := loadgen.Load{Address: address, Duration: time.Millisecond, Status: http.StatusOK, Sources: []loadgen.Source{
		func(buf []byte) []byte { return loadgen.Get(buf, address, "/a?b=c") },
	}}
	if result := mustRun(t, l); result.Requests == 0 {
		t.Fatal("no request")
	}
}

func TestLag(t *testing.T) {
	var l loadgen.Lag
	at := func(ms int) time.Time { return time.Unix(1, 0).Add(time.Duration(ms) * time.Millisecond) }
	l.Acknowledged(3, at(0))
	l.Acknowledged(2, at(1))
	l.Acknowledged(5, at(2))
	l.Seen(3, at(10))
	l.Seen(2, at(20))         // nothing new
	l.Acknowledged(1, at(30)) // was seen before
	if n := l.Waiting(); n != 1 {
		t.Fatalf("%d wait, want 1", n)
	}
	l.Seen(5, at(100))
	h := l.Histogram()
	for p, want := range map[float64]int{0: 0, 50: 9, 75: 10, 100: 98} {
		if got := h.Percentile(p).Round(time.Millisecond); got != time.Duration(want)*time.Millisecond {
			t.Errorf("p%v is %s, want %d ms", p, got, want)
		}
	}
	if h.Count() != 4 || l.Waiting() != 0 {
		t.Errorf("%d lags, %d wait", h.Count(), l.Waiting())
	}
}
