package httpx_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/run"
)

func str(v any) string { return fmt.Sprint(v) }

var _ run.Worker = (*httpx.Server)(nil)

func TestAServerLetsRequestsEndAndTakesNoMore(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{})
	e := httpx.New(httpx.Options{})
	e.GET("/slow", func(c echo.Context) error {
		close(arrived)
		<-httpx.Stopping(c.Request().Context())
		return c.String(200, "ended in peace")
	})
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- httpx.NewServer(listener, e, nil).Run(ctx) }()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answer := make(chan string, 1)
	go func() {
		res, err := client.Get("http://" + listener.Addr().String() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		answer <- string(text)
	}()
	<-arrived
	stop()
	if got := <-answer; got != "ended in peace" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := client.Get("http://" + listener.Addr().String() + "/slow"); err == nil {
		t.Error("the server still answers")
	}
}

// started serves until the test ends, and gives the address.
func started(t *testing.T, h http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- httpx.NewServer(listener, h, nil).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return listener.Addr().String()
}

func TestHeadIsAnsweredWhereGetIs(t *testing.T) {
	e := httpx.New(httpx.Options{})
	e.GET("/thing", func(c echo.Context) error { return httpx.Answer(c, http.StatusOK, []byte(`{"a":1}`)) })
	e.POST("/thing", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	e.POST("/deed", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	address := started(t, e)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
		length       int64
	}{
		{http.MethodHead, "/thing", 200, "", int64(len(`{"a":1}`) + 1)},
		{http.MethodHead, "/deed", 405, "OPTIONS, POST", -1},
		{http.MethodDelete, "/thing", 405, "OPTIONS, GET, HEAD, POST", -1},
		{http.MethodOptions, "/thing", 204, "OPTIONS, GET, HEAD, POST", -1},
		{http.MethodOptions, "/deed", 204, "OPTIONS, POST", -1},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+address+tc.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.status || res.Header.Get("Allow") != tc.allow {
			t.Errorf("%s %s: %d, Allow: %s", tc.method, tc.path, res.StatusCode, res.Header.Get("Allow"))
		}
		if tc.length >= 0 && res.ContentLength != tc.length {
			t.Errorf("%s %s: Content-Length %d, want %d", tc.method, tc.path, res.ContentLength, tc.length)
		}
	}
}

// Most clients send all of a body before they look for the answer.
func TestAClientCanSendAllOfABodyThatIsTooLong(t *testing.T) {
	e := httpx.New(httpx.Options{})
	e.POST("/test", func(c echo.Context) error { return httpx.ReadJSON(c, 100, new(thing)) })
	address := started(t, e)
	for name, head := range map[string]string{
		"length known":   "Content-Length: 16777223\r\n\r\n",
		"length unknown": "Transfer-Encoding: chunked\r\n\r\n1000007\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		text := "POST /test HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + head +
			`"` + strings.Repeat("x", 16<<20) + `"     ` + "\r\n0\r\n\r\n"
		if _, err := io.WriteString(conn, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s", name, res.Status)
		}
		conn.Close()
	}
}

func TestAServerThatCannotServeSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := httpx.NewServer(listener, http.NotFoundHandler(), nil).Run(context.Background()); err == nil {
		t.Error("Run ended without an error")
	}
}

func TestRequestsAreCountedByRouteTemplate(t *testing.T) {
	registry := prometheus.NewRegistry()
	e := httpx.New(httpx.Options{Registerer: registry})
	e.GET("/v1/ledgers/:ledger", func(c echo.Context) error { return c.NoContent(204) })
	for _, request := range []string{"GET /v1/ledgers/a", "GET /v1/ledgers/b", "GET /x/1", "GET /x/2", "BREW /problems", "MASH /problems"} {
		method, path, _ := strings.Cut(request, " ")
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := []string{f.GetName()}
			for _, l := range m.GetLabel() {
				name = append(name, l.GetValue())
			}
			got[strings.Join(name, " ")] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"daybook_http_requests_total GET /v1/ledgers/:ledger 204": 2, "daybook_http_request_seconds GET /v1/ledgers/:ledger": 2,
		"daybook_http_requests_total GET unmatched 404": 2, "daybook_http_request_seconds GET unmatched": 2,
		"daybook_http_requests_total other unmatched 405": 2, "daybook_http_request_seconds other unmatched": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestForwardingHeadersAreNotTrusted(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/test", nil)
	r.Header.Set("X-Forwarded-For", "10.9.8.7")
	r.Header.Set("X-Real-Ip", "10.9.8.7")
	if w := serve(func(c echo.Context) error { return c.String(200, c.RealIP()) }, r); w.Body.String() == "10.9.8.7" {
		t.Error("the peer is what a header says")
	}
}
