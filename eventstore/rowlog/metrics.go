package rowlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
)

// The names of all metrics of event stores begin with these.
const (
	MetricNamespace = "daybook"
	MetricSubsystem = "eventstore"
)

// Metrics counts what becomes of appends.
type Metrics struct {
	appends     *prometheus.CounterVec
	records     prometheus.Counter
	transaction prometheus.Histogram

	registerer prometheus.Registerer
	registered []prometheus.Collector
}

// NewMetrics registers the metrics that stores have in common, and others of the store's own. Waiting tells how many
// appends wait. A nil registerer is none.
func NewMetrics(registerer prometheus.Registerer, waiting func() int, others ...prometheus.Collector) (*Metrics, error) {
	m := &Metrics{
		registerer: registerer,
		appends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: MetricNamespace, Subsystem: MetricSubsystem, Name: "appends_total",
			Help: "Appends that the store answered, by outcome: written, conflict, failed, unknown.",
		}, []string{"outcome"}),
		records: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: MetricNamespace, Subsystem: MetricSubsystem, Name: "records_total", Help: "Records written.",
		}),
		transaction: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: MetricNamespace, Subsystem: MetricSubsystem, Name: "transaction_seconds",
			Help: "Time of a transaction, its sync included.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
	}
	if registerer == nil {
		return m, nil
	}
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: MetricNamespace, Subsystem: MetricSubsystem, Name: "appends_waiting",
		Help: "Appends that wait to be written.",
	}, func() float64 { return float64(waiting()) })
	for _, c := range append([]prometheus.Collector{m.appends, m.records, m.transaction, gauge}, others...) {
		if err := registerer.Register(c); err != nil {
			m.Unregister()
			return nil, fmt.Errorf("register the metrics: %w", err)
		}
		m.registered = append(m.registered, c)
	}
	return m, nil
}

// Unregister makes room for the metrics of the store that is opened next.
func (m *Metrics) Unregister() {
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
	m.registered = nil
}

// Committed counts a transaction: how long it took, the appends that it wrote with all their records, and those that
// conflicted.
func (m *Metrics) Committed(took time.Duration, written, records, conflicts int) {
	m.transaction.Observe(took.Seconds())
	m.appends.WithLabelValues("written").Add(float64(written))
	m.records.Add(float64(records))
	m.appends.WithLabelValues("conflict").Add(float64(conflicts))
}

// Failed counts appends that failed with an error that is no conflict.
func (m *Metrics) Failed(appends int, err error) {
	outcome := "failed"
	if errors.Is(err, eventstore.ErrOutcomeUnknown) {
		outcome = "unknown"
	}
	m.appends.WithLabelValues(outcome).Add(float64(appends))
}
