package commands

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// verdicts tells operators of the assertions that break, and of those that hold again.
type verdicts struct {
	log          *slog.Logger
	broken, held prometheus.Counter
}

// newVerdicts makes counters that are there, at zero, before anything breaks: a rate needs where it rose from.
func newVerdicts(options engine.Options) *verdicts {
	counter := func(name, help string) prometheus.Counter {
		return promauto.With(options.Registerer).NewCounter(prometheus.CounterOpts{
			Namespace: "daybook", Subsystem: "assertions", Name: name, Help: help,
		})
	}
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &verdicts{
		log:    log,
		broken: counter("broken_total", "Assertions that broke, or did not hold when they were declared."),
		held:   counter("held_again_total", "Assertions that held again after they had been broken."),
	}
}

// look looks for verdicts in what a command has caused. Most commands cause an event or two.
func (v *verdicts) look(stream string, events []event) {
	for i := range events {
		switch e := events[i].Event.(type) {
		case ledger.AssertionBroken:
			v.broken.Inc()
			v.report(slog.LevelWarn, "an assertion is broken", stream, &events[i], &e)
		case ledger.AssertionHeld:
			if e.Transaction == 0 {
				continue // its first evaluation: all is as it was declared to be
			}
			v.held.Inc()
			of := ledger.AssertionBroken(e)
			v.report(slog.LevelInfo, "an assertion holds again", stream, &events[i], &of)
		}
	}
}

// report names no transaction where the verdict is that of the first evaluation, which none brought about.
func (v *verdicts) report(level slog.Level, message, stream string, at *event, of *ledger.AssertionBroken) {
	name, _ := ledgername.Of(stream)
	attributes := []slog.Attr{
		slog.String("ledger", name), slog.Uint64("assertion", of.ID), slog.String("balance", of.Balance.String()),
		slog.Uint64("revision", uint64(at.Revision)),
	}
	if of.Transaction != 0 {
		attributes = append(attributes, slog.Uint64("transaction", of.Transaction))
	}
	v.log.LogAttrs(context.Background(), level, message, attributes...)
}
