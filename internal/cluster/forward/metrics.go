package forward

import "github.com/prometheus/client_golang/prometheus"

// metrics are registered where there is a registerer, and kept in any case.
type metrics struct {
	sent   *prometheus.CounterVec
	served *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_forwards_sent_total",
			Help: "Attempts to have a request answered by the node that owns its ledger: answered, refused (nothing was done) or broken (nobody knows).",
		}, []string{"outcome"}),
		served: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_forwards_served_total",
			Help: "Requests of other nodes: answered, refused because this node does not own the ledger, or broken off.",
		}, []string{"outcome"}),
	}
	if r != nil {
		r.MustRegister(m.sent, m.served)
	}
	return m
}
