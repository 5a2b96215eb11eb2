package esdbserver

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	events        prometheus.Counter
	subscriptions prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "daybook_esdb_endpoint_events_total", Help: "Events sent to clients of the EventStoreDB endpoint.",
		}),
		subscriptions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "daybook_esdb_endpoint_subscriptions", Help: "Subscriptions to the EventStoreDB endpoint that are open.",
		}),
	}
	if registerer != nil {
		registerer.MustRegister(m.events, m.subscriptions)
	}
	return m
}
