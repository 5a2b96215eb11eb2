package esdb

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	connections prometheus.Counter
	retries     prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	const namespace, subsystem = "daybook", "esdb"
	m := &metrics{
		connections: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "connections_total", Help: "Connections made to EventStoreDB.",
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "append_retries_total",
			Help: "Appends sent again to EventStoreDB, because it was not known what had become of them.",
		}),
	}
	if registerer != nil {
		registerer.MustRegister(m.connections, m.retries)
	}
	return m
}

func (m *metrics) unregister(registerer prometheus.Registerer) {
	if registerer != nil {
		registerer.Unregister(m.connections)
		registerer.Unregister(m.retries)
	}
}
