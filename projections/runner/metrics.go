package runner

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	applied    *prometheus.CounterVec
	lag        *prometheus.GaugeVec
	stopped    *prometheus.GaugeVec
	batch      prometheus.Histogram
	commit     prometheus.Histogram
	gaps       prometheus.Counter
	duplicates prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	const namespace, of = "daybook", "projections"
	projection := []string{"projection"}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: of, Name: name, Help: help})
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: of, Name: name, Help: help}, projection)
	}
	m := &metrics{
		applied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: of, Name: "applied_events_total", Help: "Events that a projection has applied.",
		}, projection),
		lag:     gauge("lag_seconds", "Age of the last event of the last batch when it was committed."),
		stopped: gauge("stopped", "1 where a projection is not being fed: it could not apply an event, or its tables are of another version."),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: of, Name: "batch_events", Help: "Events applied in one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: of, Name: "commit_seconds", Help: "Time to apply and commit a batch.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		gaps:       counter("gap_events_total", "Events that did not come and were read from the event store."),
		duplicates: counter("duplicate_events_total", "Events that came although they were known, and were ignored."),
	}
	if registerer != nil {
		registerer.MustRegister(m.applied, m.lag, m.stopped, m.batch, m.commit, m.gaps, m.duplicates)
	}
	return m
}
