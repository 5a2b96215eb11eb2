package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/loadgen"
)

const (
	benchLedgerName  = "bench"
	benchAsset       = "USD/2"
	transactionsPath = "/v1/ledgers/" + benchLedgerName + "/transactions"
	bulkPath         = "/v1/ledgers/" + benchLedgerName + "/bulk"

	// fundingBatch is how many accounts are funded in one request.
	fundingBatch = 1000
	// settleWait is how long the read models may take to catch up after a load.
	settleWait = 60 * time.Second
)

// benchServer is a Daybook in a process of its own, with a ledger of funded accounts that may not go below zero.
type benchServer struct {
	*child
	*client.Client

	data   string
	funded int
}

// startBenchServer starts a server on a new data directory, funds the accounts, and waits until the read models have
// them.
func startBenchServer(ctx context.Context, std *streams, accounts int) (*benchServer, error) {
	data, err := os.MkdirTemp("", "daybook-bench-*")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	process, err := startChild(ctx, std.err, "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	s := &benchServer{child: process, Client: &client.Client{BaseURL: "http://" + process.Address}, data: data}
	if err := s.fund(ctx, accounts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close stops the server and removes its data.
func (s *benchServer) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.data)) }

func (s *benchServer) fund(ctx context.Context, accounts int) error {
	if _, err := s.OpenLedger(ctx, client.NewLedger{Name: benchLedgerName, Template: "wallets"}, ""); err != nil {
		return err
	}
	for from := 0; from < accounts; from += fundingBatch {
		var batch []client.Command
		for i := from; i < min(from+fundingBatch, accounts); i++ {
			data, err := json.Marshal(client.NewTransaction{Transfers: []client.Transfer{
				{From: "world", To: benchAccount(i), Asset: benchAsset, Amount: "1000000000"},
			}})
			if err != nil {
				return fmt.Errorf("encode a funding: %w", err)
			}
			batch = append(batch, client.Command{Type: client.PostTransaction, Data: data})
		}
		if _, err := s.Bulk(ctx, benchLedgerName, true, batch); err != nil {
			return fmt.Errorf("fund the accounts: %w", err)
		}
	}
	s.funded = accounts
	_, err := s.settle(ctx)
	return err
}

// settle waits until the read models have everything, and tells how long that took.
func (s *benchServer) settle(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	revision, err := s.revision(ctx)
	if err != nil {
		return 0, err
	}
	_, err = s.Ledger(ctx, benchLedgerName, client.Query{MinRevision: &revision, Wait: settleWait})
	return time.Since(start), err
}

// revision is that of the ledger's last event. A dry run tells it without writing anything.
func (s *benchServer) revision(ctx context.Context) (uint64, error) {
	answer, err := s.Post(ctx, benchLedgerName, client.NewTransaction{DryRun: true, Transfers: []client.Transfer{
		{From: "world", To: benchAccount(0), Asset: benchAsset, Amount: "1"},
	}}, "")
	return answer.Revision, err
}

// verify makes sure that what was acknowledged is there, once, and that the books balance.
func (s *benchServer) verify(ctx context.Context, acknowledged int) error {
	ledger, err := s.Ledger(ctx, benchLedgerName, client.Query{})
	if err != nil {
		return err
	}
	if want := uint64(s.funded + acknowledged); ledger.Transactions != want {
		return fmt.Errorf("%d transactions were acknowledged, but the ledger has %d", want, ledger.Transactions)
	}
	totals, err := s.Balances(ctx, benchLedgerName, client.Query{GroupBy: "none"})
	if err != nil {
		return err
	}
	for _, total := range totals.Balances {
		if total.Debits != total.Credits {
			return fmt.Errorf("the books do not balance in %s: %s debits, %s credits", total.Asset, total.Debits, total.Credits)
		}
	}
	return nil
}

func benchAccount(i int) string { return fmt.Sprintf("users:%06d", i) }

// transferSource makes postings between random pairs of accounts; where hot is set one side is always the same account.
// size is how many transfers a request has: 0 for a single transaction, else a bulk of that many.
func transferSource(host string, accounts int, hot bool, size int, seed uint64) loadgen.Source {
	random := rand.New(rand.NewPCG(seed, 2026)) //nolint:gosec // a load need not be unpredictable
	var body []byte
	pick := func() (from, to int) {
		from, to = random.IntN(accounts), random.IntN(accounts-1)
		if hot {
			from = 0
		}
		if to >= from {
			to++
		}
		return from, to
	}
	return func(buf []byte) []byte {
		if size == 0 {
			from, to := pick()
			body = appendTransfer(body[:0], from, to)
			return loadgen.Post(buf, host, transactionsPath, body)
		}
		body = append(body[:0], `{"atomic":false,"commands":[`...)
		for i := range size {
			if i > 0 {
				body = append(body, ',')
			}
			from, to := pick()
			body = append(body, `{"type":"post_transaction","data":`...)
			body = append(appendTransfer(body, from, to), '}')
		}
		return loadgen.Post(buf, host, bulkPath, append(body, `]}`...))
	}
}

func appendTransfer(body []byte, from, to int) []byte {
	body = append(body, `{"transfers":[{"from":"`...)
	body = appendAccount(body, from)
	body = append(body, `","to":"`...)
	body = appendAccount(body, to)
	return append(body, `","asset":"`+benchAsset+`","amount":"1"}]}`...)
}

// appendAccount writes what benchAccount returns, at less cost.
func appendAccount(body []byte, i int) []byte {
	body = append(body, "users:"...)
	for limit := 100_000; limit > 1 && i < limit; limit /= 10 {
		body = append(body, '0')
	}
	return strconv.AppendInt(body, int64(i), 10)
}

// loadOf is the load of a benchmark on one server.
func loadOf(o benchOptions, connections int, hot bool, size, status int) func(address string) loadgen.Load {
	return func(address string) loadgen.Load {
		load := loadgen.Load{Address: address, Duration: o.Duration, Status: status}
		for i := range connections {
			load.Sources = append(load.Sources, transferSource(address, o.Accounts, hot, size, uint64(i)))
		}
		return load
	}
}
