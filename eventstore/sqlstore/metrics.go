package sqlstore

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// metrics counts what the writer does.
type metrics struct {
	*rowlog.Metrics

	batch prometheus.Histogram
}

func newMetrics(registerer prometheus.Registerer, q *queue) (*metrics, error) {
	batch := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: rowlog.MetricNamespace, Subsystem: rowlog.MetricSubsystem, Name: "transaction_appends",
		Help: "Appends that shared a transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 11),
	})
	common, err := rowlog.NewMetrics(registerer, q.length, batch)
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	return &metrics{Metrics: common, batch: batch}, nil
}

func (m *metrics) observe(batch []*request, answers []answer, took time.Duration) {
	m.batch.Observe(float64(len(batch)))
	written, records := 0, 0
	for i, r := range batch {
		if answers[i].refused == nil {
			written++
			records += r.records
		}
	}
	m.Committed(took, written, records, len(batch)-written)
}
