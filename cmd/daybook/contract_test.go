package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/openapi"
	"github.com/daybook-ledger/daybook/internal/telemetry"
	"github.com/daybook-ledger/daybook/queries"
)

var parameterOfRoute = regexp.MustCompile(`:(\w+)`)

// allRoutes is what the server registers.
func allRoutes(t *testing.T) *echo.Echo {
	t.Helper()
	store := memstore.New()
	engines := commands.NewEngines(store, engine.Options{})
	t.Cleanup(func() { _ = engines.Close(context.Background()) })
	e := httpx.New(httpx.Options{})
	telemetry.NewProbes(prometheus.NewRegistry()).Register(e)
	openapi.Register(e)
	api := e.Group("/v1")
	commands.New(commands.Options{Ledgers: engines, Store: store}).Register(api)
	q := queries.New(queries.Options{History: store})
	t.Cleanup(func() { _ = q.Close() })
	q.Register(api)
	(&server{}).serveCluster(api)
	return e
}

// TestEveryRouteIsDescribed compares the routes of all handlers, as the server registers them, with the description.
func TestEveryRouteIsDescribed(t *testing.T) {
	e := allRoutes(t)
	var routes []string
	for _, route := range e.Routes() {
		if route.Method != echo.RouteNotFound {
			routes = append(routes, route.Method+" "+parameterOfRoute.ReplaceAllString(route.Path, "{$1}"))
		}
	}
	var described []string
	for _, o := range traffic.Operations() {
		described = append(described, o.Method+" "+o.Path)
	}
	for _, route := range routes {
		if !slices.Contains(described, route) {
			t.Errorf("%s is not described", route)
		}
	}
	for _, operation := range described {
		if !slices.Contains(routes, operation) {
			t.Errorf("%s is described, and there is no such route", operation)
		}
	}
}

// A method that a path does not take is told from a path that is not there, with those that it takes.
func TestAPathRefusesOtherMethods(t *testing.T) {
	e := allRoutes(t)
	taken := map[string][]string{}
	for _, route := range e.Routes() {
		if route.Method == echo.RouteNotFound {
			t.Errorf("%s is taken by whatever method", route.Path)
			continue
		}
		taken[route.Path] = append(taken[route.Path], route.Method)
	}
	for path, methods := range taken {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if slices.Contains(methods, method) {
				continue
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, parameterOfRoute.ReplaceAllString(path, "1"), http.NoBody))
			if w.Code != http.StatusMethodNotAllowed || !strings.Contains(w.Body.String(), `"method_not_allowed"`) {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			for _, allowed := range methods {
				if !strings.Contains(w.Header().Get("Allow"), allowed) {
					t.Errorf("%s %s: allows %q, without %s", method, path, w.Header().Get("Allow"), allowed)
				}
			}
		}
	}
}
