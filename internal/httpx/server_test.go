package httpx_test

import (
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
