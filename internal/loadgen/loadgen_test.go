package loadgen_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// serve answers with the request's body until the given number of requests, and with 503 from then on.
func serve(t *testing.T, good int64) (address string, served *atomic.Int64) {
	t.Helper()
	served = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), served
}

func load(address string) loadgen.Load {
	source := func(buf []byte) []byte { return loadgen.Post(buf, address, "/echo", []byte(`{"n":1}`)) }
	return loadgen.Load{
		Address: address, Sources: []loadgen.Source{source, source, source},
		Duration: 50 * time.Millisecond, Status: http.StatusCreated,
	}
}

func TestEveryAnswerIsCountedOnce(t *testing.T) {
	address, served := serve(t, 1<<40)
	result, err := loadgen.Run(t.Context(), load(address))
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests == 0 || int64(result.Requests) != served.Load() || len(result.Latencies) != result.Requests {
		t.Fatalf("counted %d, the server %d", result.Requests, served.Load())
	}
	if result.Percentile(50) > result.Percentile(99) || result.Percentile(100) != result.Latencies[result.Requests-1] {
		t.Fatalf("percentiles are out of order")
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
