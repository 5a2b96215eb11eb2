package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchGetCmd is `daybook bench get`: reads of random accounts by their address.
type benchGetCmd struct {
	loadOptions `embed:""`

	Connections int `short:"c" default:"64" help:"Keep-alive connections (default: ${default})."`
}

// Help says what is measured.
func (*benchGetCmd) Help() string {
	return `Random accounts are read by their address, with their balances. The baseline is a no-op Echo handler that encodes an
account of the same size as JSON, always the same one. Both get a closed loop, which finds how many reads a second are
possible, and then an open loop at half of that (or --rate), whose latencies count from when a request was due.`
}

// Validate refuses what cannot be measured.
func (c *benchGetCmd) Validate() error {
	return cmp.Or(c.loadOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchGetCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchGetCmd) measure(ctx context.Context, lab *lab) ([]row, error) {
	lab.profileTo = c.CPUProfile
	return lab.repeat(ctx, func(ctx context.Context) ([]row, error) {
		var account []byte
		reads, err := c.daybook(ctx, lab, &account)
		if err != nil {
			return nil, err
		}
		noop, err := c.noop(ctx, lab, account)
		if err != nil {
			return nil, err
		}
		reads.set(colOfNoop, ratio(reads.get(colPerSecond), noop.get(colPerSecond)))
		return []row{noop, reads}, nil
	})
}

func accountPath(i int) string { return benchLedgerPath + "/accounts/" + benchAccount(i) }

// gauge is a load of GETs of random accounts.
func (c *benchGetCmd) gauge(address string) *gauge {
	load := loadgen.Load{Address: address, Status: http.StatusOK}
	return &gauge{loadOptions: c.loadOptions, load: over(load, c.Connections, func(host string, seed uint64) loadgen.Source {
		return getSource(host, c.Accounts, seed, accountPath)
	})}
}

// getSource makes requests about random accounts.
func getSource(host string, accounts int, seed uint64, path func(account int) string) loadgen.Source {
	random := rand.New(rand.NewPCG(seed, 2026)) //nolint:gosec // a load need not be unpredictable
	return func(buf []byte) []byte { return loadgen.Get(buf, host, path(random.IntN(accounts))) }
}

// daybook reads from Daybook, and keeps one of the answers.
func (c *benchGetCmd) daybook(ctx context.Context, lab *lab, account *[]byte) (r row, err error) {
	const name = "GET of an account"
	lab.sayf(name)
	err = lab.withLedger(ctx, c.Accounts, func(s *benchServer) error {
		if *account, err = getAccount(ctx, s.BaseURL); err != nil {
			return err
		}
		g := c.gauge(s.Address)
		g.send = s.read
		r, err = g.read(ctx, name)
		return err
	})
	return r, err
}

// noop reads the same from the baseline, after a look at whether it is the same.
func (c *benchGetCmd) noop(ctx context.Context, lab *lab, account []byte) (r row, err error) {
	err = lab.withNoop(ctx, func(address string) error {
		same, err := getAccount(ctx, "http://"+address)
		if err != nil {
			return err
		}
		if !bytes.Equal(bytes.TrimSpace(same), bytes.TrimSpace(account)) {
			return fmt.Errorf("the no-op handler answers %s, and Daybook %s", same, account)
		}
		r, err = lab.readNoop(ctx, c.gauge(address), "no-op Echo GET")
		return err
	}, "--account", string(account))
	return r, err
}

func getAccount(ctx context.Context, server string) ([]byte, error) {
	status, _, body, err := httpGet(ctx, server+accountPath(0))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("read an account: status %d: %.500s", status, body)
	}
	return body, err
}
