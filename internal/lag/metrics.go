package lag

import "github.com/prometheus/client_golang/prometheus"

// registerMetrics makes what an operator can see of a bound, and gives what is counted by hand.
func registerMetrics(b *Bound, registerer prometheus.Registerer) (refused prometheus.Counter) {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "daybook", Subsystem: "lag", Name: name, Help: help}
	}
	refused = prometheus.NewCounter(prometheus.CounterOpts(name("refused_commands_total",
		"Commands that were refused because the read models were too far behind.")))
	if registerer == nil {
		return refused
	}
	registerer.MustRegister(refused,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(name("events",
			"Events that the slowest read model is behind the log, of those that are being fed.")),
			func() float64 { return float64(b.Behind()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts(name("holding",
			"1 while commands are refused because the read models are too far behind.")),
			func() float64 {
				if b.Held() != nil {
					return 1
				}
				return 0
			}))
	return refused
}
