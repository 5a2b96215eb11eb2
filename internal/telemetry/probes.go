package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one readiness check, so that a probe is answered even when a part hangs.
const checkTimeout = 2 * time.Second

// Check tells whether one part of the process can do its work: nil, or why not.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
}

// Probes serves /healthz (the process answers), /readyz (all checks pass, else 503 with the reasons) and /metrics.
type Probes struct {
	gatherer prometheus.Gatherer
	checks   []Check
}

// NewProbes serves the metrics of gatherer and the given checks.
func NewProbes(gatherer prometheus.Gatherer, checks ...Check) *Probes {
	return &Probes{gatherer: gatherer, checks: checks}
}

// Register adds the three routes.
func (p *Probes) Register(e *echo.Echo) {
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, readiness{Status: "ok"}) })
	e.GET("/readyz", p.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(p.gatherer, promhttp.HandlerOpts{})))
}

type readiness struct {
	Status string `json:"status"`
	// Checks has a line for each check: "ok" or the reason.
	Checks map[string]string `json:"checks,omitempty"`
}

func (p *Probes) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), checkTimeout)
	defer cancel()
	status, answer := http.StatusOK, readiness{Status: "ok", Checks: map[string]string{}}
	for _, check := range p.checks {
		answer.Checks[check.Name] = "ok"
		if err := check.Ready(ctx); err != nil {
			status, answer.Status = http.StatusServiceUnavailable, "unavailable"
			answer.Checks[check.Name] = err.Error()
		}
	}
	return c.JSON(status, answer)
}
