package telemetry_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/telemetry"
)

func TestLoggerWritesTheFormatAndLevelAskedFor(t *testing.T) {
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(&out, "json", "warn")
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("quiet")
	logger.Warn("loud", "n", 7)
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, `"msg":"loud","n":7`) {
		t.Fatalf("log: %s", got)
	}
	for _, bad := range [][2]string{{"xml", "info"}, {"text", "chatty"}} {
		if _, err := telemetry.NewLogger(&out, bad[0], bad[1]); err == nil {
			t.Errorf("format %s, level %s: no error", bad[0], bad[1])
		}
	}
}

func TestProbes(t *testing.T) {
	var broken error
	e := echo.New()
	telemetry.NewProbes(telemetry.NewRegistry(), telemetry.Check{
		Name:  "projections",
		Ready: func(context.Context) error { return broken },
	}).Register(e)

	get := func(path string) (int, string) {
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		return recorder.Code, recorder.Body.String()
	}
	expect := func(path string, status int, body string) {
		t.Helper()
		if gotStatus, gotBody := get(path); gotStatus != status || !strings.Contains(gotBody, body) {
			t.Errorf("GET %s: %d %s, want %d with %s", path, gotStatus, gotBody, status, body)
		}
	}
	expect("/healthz", 200, `"ok"`)
	expect("/readyz", 200, `"projections":"ok"`)
	expect("/metrics", 200, "go_goroutines")
	broken = errors.New("entries stopped at revision 7")
	expect("/readyz", 503, "entries stopped at revision 7")
	expect("/healthz", 200, `"ok"`)
}

func TestAScopeTakesItsMetricsWithIt(t *testing.T) {
	registry := telemetry.NewRegistry()
	names := func() (all []string) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			all = append(all, family.GetName())
		}
		return all
	}
	before := names()
	for range 2 {
		scope := telemetry.NewScope(registry)
		for _, name := range []string{"daybook_one", "daybook_two"} {
			scope.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: name}))
		}
		if during := names(); len(during) != len(before)+2 {
			t.Fatalf("metrics are %v, after %v", during, before)
		}
		scope.Close()
		if after := names(); !slices.Equal(before, after) {
			t.Fatalf("metrics are %v, not %v", after, before)
		}
	}
}
