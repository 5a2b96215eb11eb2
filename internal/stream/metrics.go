package stream

import "github.com/prometheus/client_golang/prometheus"

// Metrics is what a subscriber tells about itself, by topic.
type Metrics struct {
	events *prometheus.CounterVec
	lag    *prometheus.GaugeVec
	gaps   *prometheus.CounterVec
}

// NewMetrics makes the metrics of a process's subscribers and registers them; nil registers nowhere.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	label := []string{"topic"}
	m := &Metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_stream_events_total", Help: "Events received from NATS.",
		}, label),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "daybook_stream_lag_events", Help: "Events that NATS holds and the subscriber has not handed out.",
		}, label),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_stream_gaps_total", Help: "Times that events may have been missed, the start included.",
		}, label),
	}
	if registry != nil {
		registry.MustRegister(m.events, m.lag, m.gaps)
	}
	return m
}
