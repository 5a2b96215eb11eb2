package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// charts knows the rules of ledgers, for answers that show the limits in force on an account: an account's event has
// only its own. A ledger's chart is in its first event and stays as it is, so that what was read once holds.
type charts struct {
	store eventstore.Store

	mu    sync.Mutex
	known map[string]*ledger.Matcher
}

// mostCharts bounds the memory of a server that has had to do with very many ledgers.
const mostCharts = 4096

func newCharts(store eventstore.Store) *charts {
	return &charts{store: store, known: map[string]*ledger.Matcher{}}
}

func (c *charts) of(ctx context.Context, name string) (*ledger.Matcher, error) {
	c.mu.Lock()
	chart := c.known[name]
	c.mu.Unlock()
	if chart != nil {
		return chart, nil
	}
	chart, err := c.read(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read the chart of ledger %q: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= mostCharts {
		clear(c.known)
	}
	c.known[name] = chart
	return chart, nil
}

func (c *charts) read(ctx context.Context, name string) (*ledger.Matcher, error) {
	for recorded, err := range c.store.ReadStream(ctx, ledgername.Stream(name), 0) {
		if err != nil {
			return nil, err //nolint:wrapcheck // the caller says what was tried
		}
		sealed, err := envelope.Parse(recorded.Metadata)
		if err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
		e, err := ledger.Decode(recorded.Type, sealed.Schema, recorded.Data)
		if err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
		if opened, ok := e.(ledger.LedgerOpened); ok {
			return opened.Chart.Matcher(), nil
		}
		break
	}
	return nil, errors.New("the stream does not begin with the opening of a ledger")
}
