package snapshots

import "github.com/prometheus/client_golang/prometheus"

// metrics are registered where there is a registerer, and kept in any case.
type metrics struct {
	published, fetched, bytes    *prometheus.CounterVec
	publishSeconds, fetchSeconds prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "daybook", Subsystem: "snapshots", Name: name, Help: help}, []string{label})
	}
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "daybook", Subsystem: "snapshots", Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(1e-3, 2, 18),
		})
	}
	m := &metrics{
		published: counter("published_total", "Snapshots copied to NATS for other nodes, by outcome: done, failed, or overtaken by another node.", "outcome"),
		fetched:   counter("fetched_total", "Snapshots of other nodes copied from NATS, by outcome: done or failed.", "outcome"),
		bytes:     counter("bytes_total", "Bytes of snapshots and of what they refer to, by direction: sent to NATS or received.", "direction"),

		publishSeconds: histogram("publish_seconds", "Time that copying a snapshot to NATS took, beside all other work."),
		fetchSeconds:   histogram("fetch_seconds", "Time that copying a snapshot from NATS took, while its ledger waited."),
	}
	if r != nil {
		r.MustRegister(m.published, m.fetched, m.bytes, m.publishSeconds, m.fetchSeconds)
	}
	return m
}
