package timer

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// health knows what fails, and tells the log when that changes: what fails every second is told once.
type health struct {
	log     *slog.Logger
	metrics *metrics
	failing map[string]bool
}

func newHealth(log *slog.Logger, m *metrics) health {
	return health{log: log, metrics: m, failing: map[string]bool{}}
}

// report notes how something went. What fails because the worker is stopped does not fail.
func (h *health) report(ctx context.Context, what string, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
	case err != nil:
		h.metrics.failures.Inc()
		if !h.failing[what] {
			h.failing[what] = true
			h.log.ErrorContext(ctx, "the timer fails, and goes on trying", "what", what, "error", err)
		}
	case h.failing[what]:
		delete(h.failing, what)
		h.log.InfoContext(ctx, "the timer works again", "what", what)
	}
}

// metrics are what an operator can see.
type metrics struct{ expired, evaluated, failures prometheus.Counter }

func newMetrics(registerer prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return promauto.With(registerer).NewCounter(prometheus.CounterOpts{
			Namespace: "daybook", Subsystem: "timer", Name: name, Help: help,
		})
	}
	return &metrics{
		expired:   counter("expired_holds_total", "Holds that were ended because their time had come."),
		evaluated: counter("evaluated_assertions_total", "Assertions that were evaluated because a crash had left them."),
		failures:  counter("failures_total", "Looks at what is due, and pieces of work on it, that failed."),
	}
}
