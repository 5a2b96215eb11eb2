package relay

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	published prometheus.Counter
	failures  prometheus.Counter
	waiting   prometheus.Gauge

	now func() time.Time
	// since is when the relay began what it has not finished, in nanoseconds since 1970, or 0.
	since atomic.Int64
}

func newMetrics(registry prometheus.Registerer, now func() time.Time) *metrics {
	m := &metrics{
		published: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "daybook_relay_published_total", Help: "Records relayed to NATS.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "daybook_relay_failures_total", Help: "Attempts to relay that failed.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "daybook_relay_waiting_records", Help: "Records read from the event store and not yet relayed.",
		}),
		now: now,
	}
	if registry != nil {
		age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "daybook_relay_lag_seconds", Help: "How long the relay has been trying to relay what is next; 0 when nothing is.",
		}, m.lag)
		registry.MustRegister(m.published, m.failures, m.waiting, age)
	}
	return m
}

func (m *metrics) lag() float64 {
	since := m.since.Load()
	if since == 0 {
		return 0
	}
	return m.now().Sub(time.Unix(0, since)).Seconds()
}

// begin says that there is something to do, which may be so already.
func (m *metrics) begin() { m.since.CompareAndSwap(0, m.now().UnixNano()) }

func (m *metrics) failed() { m.failures.Inc() }

func (m *metrics) done(relayed, waiting int) {
	m.published.Add(float64(relayed))
	m.waiting.Set(float64(waiting))
	m.idle()
}

// idle says that what was begun is finished.
func (m *metrics) idle() { m.since.Store(0) }
