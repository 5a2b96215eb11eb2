package engine

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are what an operator can see of all streams together.
type metrics struct {
	waiting atomic.Int64

	accepted, rejected, replayed, refused, failed prometheus.Counter

	conflicts, unknown         prometheus.Counter
	batchEvents                prometheus.Histogram
	appendSeconds, loadSeconds prometheus.Histogram
	snapshotSeconds            prometheus.Histogram
	loadEvents                 prometheus.Counter
	streams                    prometheus.Gauge
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{}
	with := promauto.With(registerer)
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "daybook", Subsystem: "engine", Name: name, Help: help}
	}
	histogram := func(name, help string, start float64) prometheus.Histogram {
		return with.NewHistogram(prometheus.HistogramOpts{
			Namespace: "daybook", Subsystem: "engine", Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(start, 2, 18),
		})
	}
	commands := with.NewCounterVec(prometheus.CounterOpts(name("commands_total",
		"Commands, by outcome: accepted, rejected, replayed, refused because too many waited, or failed.")),
		[]string{"outcome"})
	m.accepted, m.rejected = commands.WithLabelValues("accepted"), commands.WithLabelValues("rejected")
	m.replayed, m.refused = commands.WithLabelValues("replayed"), commands.WithLabelValues("refused")
	m.failed = commands.WithLabelValues("failed")
	m.conflicts = with.NewCounter(prometheus.CounterOpts(name("conflicts_total",
		"Batches that were decided again because somebody else had written to the stream.")))
	m.unknown = with.NewCounter(prometheus.CounterOpts(name("unknown_outcomes_total",
		"Appends of which the store did not tell whether they were written.")))
	m.batchEvents = histogram("batch_events", "Events appended at once.", 1)
	m.appendSeconds = histogram("append_seconds", "Time that an append took.", 50e-6)
	m.loadSeconds = histogram("load_seconds", "Time that loading a stream took.", 50e-6)
	m.loadEvents = with.NewCounter(prometheus.CounterOpts(name("load_events_total",
		"Events that were read to load streams: those that no snapshot had.")))
	m.snapshotSeconds = histogram("snapshot_seconds", "Time that writing a snapshot took, beside the stream's other work.", 50e-6)
	m.streams = with.NewGauge(prometheus.GaugeOpts(name("streams", "Streams whose state is in memory.")))
	with.NewGaugeFunc(prometheus.GaugeOpts(name("queue_commands", "Commands that wait to be decided.")),
		func() float64 { return float64(m.waiting.Load()) })
	return m
}

// count counts the commands of a unit that was answered.
func (s *stream[S, C, E]) count(u *decided[C, E]) {
	if u.job.DryRun {
		return
	}
	if u.err != nil {
		s.metrics.rejected.Add(float64(len(u.job.Commands)))
		return
	}
	accepted, rejected, replayed := 0, 0, 0
	for i := range u.result.Answers {
		switch {
		case u.result.Answers[i].Err != nil:
			rejected++
		case u.result.Answers[i].Replayed:
			replayed++
		default:
			accepted++
		}
	}
	s.metrics.accepted.Add(float64(accepted))
	s.metrics.rejected.Add(float64(rejected))
	s.metrics.replayed.Add(float64(replayed))
}
