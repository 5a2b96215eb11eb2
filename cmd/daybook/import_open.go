package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// open opens the ledger where there is none, and says so. Where there is one it sees to it that what is imported may go
// there.
func (s *sender) open(ctx context.Context, template string, batch *batch, out io.Writer) error {
	if batch.opening != nil {
		s.numbers = new(numbers)
	}
	// A stream without commands tells where the ledger stands; queries may be behind.
	there, err := insist(ctx, func() (client.StreamResults, error) {
		return s.client.Stream(ctx, s.ledger, strings.NewReader("\n"))
	})
	switch {
	case client.IsCode(err, "ledger_not_found"):
		return s.create(ctx, template, batch.opening, out)
	case err != nil:
		return fmt.Errorf("look at ledger %q: %w", s.ledger, err)
	}
	s.revision, s.start = *there.Revision, *there.Revision
	if batch.opening == nil {
		return nil
	}
	return s.adopt(ctx, batch)
}

func (s *sender) create(ctx context.Context, template string, opening *client.NewLedger, out io.Writer) error {
	created, chart := client.NewLedger{Template: template}, "template "+template
	if opening != nil {
		if created, chart = *opening, "template "+opening.Template; opening.Chart != nil {
			chart = "chart of the export"
		}
	}
	created.Name = s.ledger
	opened, err := insist(ctx, func() (client.Accepted, error) { return s.client.OpenLedger(ctx, created, "") })
	if err != nil {
		return fmt.Errorf("open ledger %q: %w", s.ledger, err)
	}
	s.revision, s.start = opened.Revision, opened.Revision
	_, err = fmt.Fprintf(out, "created ledger %s (%s)\n", s.ledger, chart)
	return err
}

var errOthers = errors.New("it has transactions or holds that are not those of this file; " +
	"the numbers in an export are right in a ledger of its own alone, so import it into another ledger")

// adopt sees to it that an export goes into a ledger that has nothing, or into one that it has gone into before: in any
// other the numbers of its transactions and holds would mean others.
func (s *sender) adopt(ctx context.Context, batch *batch) error {
	query := client.Query{MinRevision: &s.revision, Wait: settleTime}
	transaction, err := s.client.Transaction(ctx, s.ledger, 1, query)
	numbered := err == nil
	if err != nil && !client.IsCode(err, "transaction_not_found") {
		return fmt.Errorf("look at the first transaction of ledger %q: %w", s.ledger, err)
	}
	hold, err := s.client.Hold(ctx, s.ledger, 1, query)
	if err != nil && !client.IsCode(err, "hold_not_found") {
		return fmt.Errorf("look at the first hold of ledger %q: %w", s.ledger, err)
	}
	if numbered && !is(transaction.Reference, batch.firstTransaction) || err == nil && !is(hold.Reference, batch.firstHold) {
		return fmt.Errorf("ledger %q: %w", s.ledger, errOthers)
	}
	if numbered || err == nil {
		return nil
	}
	return s.settleOpening(ctx, batch.opening, query)
}

func is(reference *string, wanted string) bool { return reference != nil && *reference == wanted }

// settleOpening gives a ledger that has nothing yet the chart of an export.
func (s *sender) settleOpening(ctx context.Context, opening *client.NewLedger, query client.Query) error {
	known, err := s.client.Ledger(ctx, s.ledger, query)
	if err != nil {
		return fmt.Errorf("look at ledger %q: %w", s.ledger, err)
	}
	if len(opening.Metadata) > 0 && !reflect.DeepEqual(opening.Metadata, known.Metadata) {
		fmt.Fprintf(s.errs, "daybook: ledger %s is there already and keeps its own metadata, not those of the export\n", s.ledger)
	}
	chart := chartOf(opening)
	if reflect.DeepEqual(*chart, known.Chart) {
		return nil
	}
	data, err := json.Marshal(chart)
	if err != nil {
		return fmt.Errorf("write a chart: %w", err)
	}
	replace := client.Command{Type: client.ReplaceChart, Data: data}
	answer, err := insist(ctx, func() (client.Accepted, error) { return s.client.SendAlone(ctx, s.ledger, replace) })
	if err != nil {
		return fmt.Errorf("give ledger %q the chart of the export: %w", s.ledger, err)
	}
	s.revision = answer.Revision
	return nil
}

// chartOf gives the chart that a ledger is opened with.
func chartOf(opening *client.NewLedger) *wire.Chart {
	if opening.Chart != nil {
		return opening.Chart
	}
	template := ledger.Template(opening.Template)
	if template == "" {
		template = ledger.General
	}
	chart, _ := template.Chart() // a template that there is not has rules that no ledger takes
	rendered := render.Chart(&chart)
	return &rendered
}
