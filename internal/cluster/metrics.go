package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are registered where there is a registerer, and kept in any case.
type metrics struct {
	taken    *prometheus.CounterVec
	given    prometheus.Counter
	renewals *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, v *view) *metrics {
	m := &metrics{
		taken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_cluster_taken_total", Help: "What this node took because it was nobody's: ledgers, singletons.",
		}, []string{"kind"}),
		given: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "daybook_cluster_given_total", Help: "Ledgers that this node gave to the one where their commands come in.",
		}),
		renewals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_cluster_renewals_total", Help: "Attempts to begin or to renew this node's session, by outcome.",
		}, []string{"outcome"}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.taken, m.given, m.renewals,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "daybook_cluster_session", Help: "Whether this node has a session in its cluster: 1, or 0.",
		}, func() float64 {
			if s, _ := v.standing(); s == held {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "daybook_cluster_ledgers", Help: "Ledgers that this node owns.",
		}, func() float64 { return float64(v.owned()) }),
	)
	return m
}

func (m *metrics) renewed(err error) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.renewals.WithLabelValues(outcome).Inc()
}
