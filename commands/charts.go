package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// charts knows the rules of ledgers at any time, for the replayed answers that show the limits in force on an account:
// an account's event has only its own. (New answers are told the limits by the book.)
//
// A ledger's first chart is in its first event. Where the book tells that it was never replaced, that is all that is read.
// Otherwise the log is read once, up to where the chart is asked for; what was read holds for ever.
type charts struct {
	history

	ledgers Submitter

	mu    sync.Mutex
	known map[string]ledgerCharts
}

// ledgerCharts are the charts of one ledger up to a revision, in order.
type ledgerCharts struct {
	upTo  eventstore.Revision
	since []chartSince
}

type chartSince struct {
	revision eventstore.Revision
	chart    *ledger.Matcher
}

// mostCharts bounds the memory of a server that has had to do with very many ledgers.
const mostCharts = 4096

// at gives the chart that was in force when an event was recorded.
func (c *charts) at(ctx context.Context, name string, revision eventstore.Revision) (*ledger.Matcher, error) {
	c.mu.Lock()
	known, found := c.known[name]
	c.mu.Unlock()
	if !found || known.upTo < revision {
		var err error
		if known, err = c.read(ctx, name, known, revision); err != nil {
			return nil, fmt.Errorf("read the charts of ledger %q: %w", name, err)
		}
		c.keep(name, known)
	}
	for _, s := range slices.Backward(known.since) {
		if s.revision <= revision {
			return s.chart, nil
		}
	}
	return nil, fmt.Errorf("ledger %q: %w", name, errNoChart)
}

var errNoChart = errors.New("the stream does not begin with the opening of a ledger")

func (c *charts) keep(name string, read ledgerCharts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, found := c.known[name]; found && known.upTo >= read.upTo {
		return
	}
	if len(c.known) >= mostCharts {
		clear(c.known)
	}
	c.known[name] = read
}

// read goes on from what is known to a revision. What is known is not changed.
func (c *charts) read(ctx context.Context, name string, known ledgerCharts, revision eventstore.Revision) (ledgerCharts, error) {
	from := known.upTo + 1
	if len(known.since) == 0 {
		opened, err := c.history.at(ctx, name, 0)
		if err != nil {
			return known, err
		}
		e, ok := opened.Event.(ledger.LedgerOpened)
		if !ok {
			return known, errNoChart
		}
		known.since, from = []chartSince{{chart: e.Chart.Matcher()}}, 1
	}
	if len(known.since) == 1 {
		replaced, head, err := c.replaced(ctx, name)
		if err != nil {
			return known, err
		}
		if !replaced {
			known.upTo = max(revision, head)
			return known, nil
		}
	}
	known.since = slices.Clip(known.since)
	known.upTo = revision
	err := c.scan(ctx, name, from, func(recorded *eventstore.Recorded) (bool, error) {
		if recorded.Type == nameChartReplaced {
			e, err := unseal(*recorded)
			if err != nil {
				return false, err
			}
			if replaced, ok := e.Event.(ledger.ChartReplaced); ok {
				known.since = append(known.since, chartSince{revision: e.Revision, chart: replaced.Chart.Matcher()})
			}
		}
		known.upTo = max(known.upTo, recorded.Revision)
		return recorded.Revision < revision, nil
	})
	return known, err
}

// replaced asks the book whether its chart was ever replaced, and where the ledger stands then.
func (c *charts) replaced(ctx context.Context, name string) (replaced bool, head eventstore.Revision, err error) {
	result, err := c.ledgers.Submit(ctx, ledgername.Stream(name), Unit{Commands: []command{{Command: chartQuestion{}}}, DryRun: true})
	if err != nil {
		return false, 0, err //nolint:wrapcheck // the caller says what was tried
	}
	told, ok := result.Answers[0].Events[0].Event.(chartAnswer)
	return !ok || told.replaced, result.Revision, nil
}
