package main

import (
	"context"
	"regexp"
	"slices"
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

// TestEveryRouteIsDescribed compares the routes of all handlers, as the server registers them, with the description.
func TestEveryRouteIsDescribed(t *testing.T) {
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
