package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// growth is a ledger that grows, on a server that runs.
type growth struct {
	*benchGrowthCmd

	server *benchServer
	held   *history
	done   func(int)

	// nearlyEmpty is of the ledger before it grew.
	nearlyEmpty row
}

// step lets the ledger grow up to a step, and measures it there. Step 0 is the ledger nearly empty.
func (g *growth) step(ctx context.Context, step int) (row, error) {
	r := row{name: fmt.Sprintf("%d %%", 100*step/g.Steps)}
	if step == 0 {
		r.name = "nearly empty"
	}
	if err := g.addAccounts(ctx, g.Accounts*step/g.Steps-g.held.accounts); err != nil {
		return r, err
	}
	if err := g.addTransactions(ctx, g.Transactions*step/g.Steps); err != nil {
		return r, err
	}
	if _, err := g.server.settle(ctx); err != nil {
		return r, err
	}
	r.set(colTransactions, float64(g.server.posted))
	r.set(colAccounts, float64(g.held.accounts))
	if err := g.measureSpeed(ctx, &r); err != nil {
		return r, err
	}
	if err := g.measureRoom(ctx, &r); err != nil {
		return r, err
	}
	if step == 0 {
		g.nearlyEmpty = r
		return r, nil
	}
	r.set(colBulkOfEmpty, ratio(r.get(colBulkRate), g.nearlyEmpty.get(colBulkRate)))
	r.set(colPostOfEmpty, ratio(r.get(colPostRate), g.nearlyEmpty.get(colPostRate)))
	return r, nil
}

func (g *growth) addAccounts(ctx context.Context, n int) error {
	if n <= 0 {
		return nil
	}
	from := g.held.accounts
	g.held.accounts += n
	return g.server.fund(ctx, from, from+n, g.done)
}

func (g *growth) addTransactions(ctx context.Context, to int) error {
	if to <= g.server.posted {
		return nil
	}
	return g.server.transfer(ctx, g.server.posted, to, g.Transactions, g.held.accounts, g.done)
}

// measureSpeed puts two loads on the server, the read models at rest before each.
func (g *growth) measureSpeed(ctx context.Context, r *row) error {
	bulk := benchBulkCmd{loadOptions: loadOptions{Duration: g.Duration, Accounts: g.held.accounts}, Connections: 8, Size: 100}
	posts := postLoad(g.server.Address, 64, g.held.accounts, false)
	posts.Duration = g.Duration
	for _, one := range []struct {
		column

		load loadgen.Load
	}{{colBulkRate, bulk.load(g.server.Address)}, {colPostRate, posts}} {
		result, err := g.server.send(ctx, one.load)
		if err != nil {
			return err
		}
		r.set(one.column, result.PerSecond())
		r.addRefused(result)
		if _, err := g.server.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureRoom sets what memory and disk hold.
func (g *growth) measureRoom(ctx context.Context, r *row) error {
	if err := g.server.measureMemory(ctx, r, g.held.accounts); err != nil {
		return err
	}
	g.held.posted = g.server.posted
	return g.held.setSizes(r)
}

// queries asks one query after the other, each for a time.
func (g *growth) queries(ctx context.Context) ([]row, error) {
	random := rand.New(rand.NewPCG(uint64(g.Accounts), 2026)) //nolint:gosec // a load need not be unpredictable
	day := func() string { return dayOf(random.IntN(filledDays), filledDays) }
	balances := benchLedgerPath + "/balances?at="
	var rows []row
	for _, query := range []struct {
		name string
		path func(account int) string
	}{
		{"statement of an account, 50 lines", func(i int) string { return accountPath(i) + "/entries?limit=50" }},
		{"balance of an account at a date", func(i int) string { return balances + day() + "&account=" + benchAccount(i) }},
		{"totals of all accounts at a date", func(int) string { return balances + day() + "&group_by=none" }},
	} {
		g.server.lab.sayf("%s", query.name)
		load := loadgen.Load{Address: g.server.Address, Status: http.StatusOK, Duration: g.Duration}
		result, err := g.server.read(ctx, over(load, 1, func(host string, seed uint64) loadgen.Source {
			return getSource(host, g.held.accounts, seed, query.path)
		}))
		if err != nil {
			return nil, err
		}
		r := row{name: query.name}
		r.set(colPerSecond, result.PerSecond())
		r.setClosed(result)
		rows = append(rows, r)
	}
	return rows, nil
}
