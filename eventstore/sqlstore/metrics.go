package sqlstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
)

// metrics counts what the writer does.
type metrics struct {
	appends *prometheus.CounterVec
	records prometheus.Counter
	commit  prometheus.Histogram
	batch   prometheus.Histogram

	registerer prometheus.Registerer
	registered []prometheus.Collector
}

func newMetrics(registerer prometheus.Registerer, q *queue) (*metrics, error) {
	const namespace, subsystem = "daybook", "eventstore"
	m := &metrics{
		registerer: registerer,
		appends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "appends_total",
			Help: "Appends that the writer answered, by outcome: written, conflict, failed, unknown.",
		}, []string{"outcome"}),
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "records_total", Help: "Records written.",
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "transaction_seconds",
			Help: "Time of a transaction, its sync included.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "transaction_appends",
			Help: "Appends that shared a transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "appends_waiting", Help: "Appends that wait for the writer.",
	}, func() float64 { return float64(q.length()) })
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.appends, m.records, m.commit, m.batch, waiting} {
		if err := registerer.Register(c); err != nil {
			m.unregister()
			return nil, fmt.Errorf("register the metrics: %w", err)
		}
		m.registered = append(m.registered, c)
	}
	return m, nil
}

// unregister makes room for the metrics of the store that is opened next.
func (m *metrics) unregister() {
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
}

func (m *metrics) observe(batch []*request, answers []answer, took time.Duration) {
	m.commit.Observe(took.Seconds())
	m.batch.Observe(float64(len(batch)))
	conflicts := 0
	for i, r := range batch {
		if answers[i].refused != nil {
			conflicts++
			continue
		}
		m.records.Add(float64(r.records))
	}
	m.appends.WithLabelValues("conflict").Add(float64(conflicts))
	m.appends.WithLabelValues("written").Add(float64(len(batch) - conflicts))
}

func (m *metrics) failed(appends int, err error) {
	outcome := "failed"
	if errors.Is(err, eventstore.ErrOutcomeUnknown) {
		outcome = "unknown"
	}
	m.appends.WithLabelValues(outcome).Add(float64(appends))
}
