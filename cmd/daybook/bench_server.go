package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/loadgen"
)

const (
	benchLedgerName  = "bench"
	benchAsset       = "USD/2"
	benchLedgerPath  = ledgersPath + benchLedgerName
	ledgersPath      = "/v1/ledgers/"
	transactionsPath = "/transactions" // of a ledger
	bulkPath         = "/bulk"

	// settleStep is how long the read models may take to get any further.
	settleStep = time.Minute
)

// benchServer is a Daybook in a process of its own, with a ledger and what that must hold.
type benchServer struct {
	*child
	*client.Client

	lab    *lab
	data   string
	ledger string
	// posted counts the transactions that were acknowledged.
	posted int
	// profiles is where the server serves profiles, or empty.
	profiles string
}

// startServer starts a server on a data directory.
func (l *lab) startServer(ctx context.Context, data string, flags ...string) (*benchServer, error) {
	args := append([]string{"serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn"}, slices.Concat(l.flags, flags)...)
	process, err := startChild(ctx, l.log, args...)
	if err != nil {
		return nil, err
	}
	return &benchServer{child: process, Client: &client.Client{BaseURL: "http://" + process.Address}, lab: l, data: data, ledger: benchLedgerName}, nil
}

// startProfiled starts a server that serves profiles too.
func (l *lab) startProfiled(ctx context.Context, data string, flags ...string) (*benchServer, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s, err := l.startServer(ctx, data, append(flags, "--pprof-listen", address)...)
	if err != nil {
		return nil, err
	}
	s.profiles = "http://" + address + "/debug/pprof/"
	return s, nil
}

// withLedger runs work against a server on a new data directory, with a ledger of funded accounts that may not go below
// zero. Afterwards it makes sure that everything acknowledged is there.
func (l *lab) withLedger(ctx context.Context, funded int, work func(*benchServer) error) error {
	return l.inNewDirectory(func(dir string) (err error) {
		s, err := l.startProfiled(ctx, dir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		if err := s.open(ctx); err != nil {
			return err
		}
		if err := s.fund(ctx, 0, funded, nobody); err != nil {
			return err
		}
		if _, err := s.settle(ctx); err != nil {
			return err
		}
		if err := work(s); err != nil {
			return err
		}
		return s.verify(ctx)
	})
}

// open opens the ledger. Its metadata tell that it may be posted to for a measurement.
func (s *benchServer) open(ctx context.Context) error {
	_, err := s.OpenLedger(ctx, client.NewLedger{Name: s.ledger, Template: "wallets", Metadata: benchMark}, "")
	return err
}

var benchMark = map[string]string{"made_by": "daybook bench"}

// send puts a load on the server and counts what it acknowledged.
func (s *benchServer) send(ctx context.Context, load loadgen.Load) (*loadgen.Result, error) {
	result, err := s.read(ctx, load)
	if result != nil {
		s.posted += result.Accepted
	}
	return result, err
}

// read puts a load on the server that changes nothing. The first load that lasts for a time is profiled where that was
// asked for.
func (s *benchServer) read(ctx context.Context, load loadgen.Load) (*loadgen.Result, error) {
	profiled := s.profile(ctx, load.Duration)
	result, err := loadgen.Run(ctx, load)
	return result, errors.Join(err, profiled())
}

// readModels are a query of each read model.
var readModels = []string{
	"", "/accounts?limit=1", "/accounts/" + benchAccount(0) + "/entries?limit=1", "/transactions?limit=1",
	"/holds?limit=1", "/assertions?limit=1", "/periods",
}

// settle waits until every read model has everything, and tells how long that took.
func (s *benchServer) settle(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	revision, err := s.revision(ctx)
	if err != nil {
		return 0, err
	}
	for _, model := range readModels {
		if _, err := s.await(ctx, model, revision); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// revision is that of the ledger's last event. A dry run tells it without writing anything.
func (s *benchServer) revision(ctx context.Context) (uint64, error) {
	answer, err := s.Post(ctx, s.ledger, client.NewTransaction{DryRun: true, Transfers: []client.Transfer{
		{From: "world", To: benchAccount(0), Asset: benchAsset, Amount: "1"},
	}}, "")
	return answer.Revision, err
}

// await asks a query of the ledger for a revision until it has it, for as long as the read models get any further, and
// tells the revision that the answer reflects.
func (s *benchServer) await(ctx context.Context, query string, revision uint64) (uint64, error) {
	for last := uint64(0); ; {
		reached, err := s.ask(ctx, query, &revision)
		if !errors.Is(err, errBehind) {
			return reached, err
		}
		now, failed := s.ask(ctx, "", nil)
		if failed != nil || now <= last {
			return 0, errors.Join(err, failed)
		}
		last = now
	}
}

// errBehind is the answer of a query that waited in vain.
var errBehind = errors.New("the read models do not get any further")

// ask sends a query of the ledger, which waits for a revision if there is one, and tells what the answer reflects.
func (s *benchServer) ask(ctx context.Context, query string, revision *uint64) (reached uint64, err error) {
	path, parameters, _ := strings.Cut(query, "?")
	values, err := url.ParseQuery(parameters)
	if err != nil {
		return 0, fmt.Errorf("query %s: %w", query, err)
	}
	if revision != nil {
		values.Set("min_revision", strconv.FormatUint(*revision, 10))
		values.Set("wait", settleStep.String())
	}
	status, header, body, err := httpGet(ctx, s.BaseURL+ledgersPath+s.ledger+path+"?"+values.Encode())
	switch {
	case err != nil:
		return 0, err
	case status == http.StatusGatewayTimeout:
		return 0, fmt.Errorf("%w: %s", errBehind, body)
	case status != http.StatusOK:
		return 0, fmt.Errorf("query %s: status %d: %.500s", query, status, body)
	}
	return strconv.ParseUint(header.Get(httpx.HeaderRevision), 10, 64)
}

// verify makes sure that what was acknowledged is there, once, and that the books balance.
func (s *benchServer) verify(ctx context.Context) error {
	there, err := s.transactions(ctx)
	if err != nil {
		return err
	}
	if there != s.posted {
		return fmt.Errorf("%d transactions were acknowledged, but the ledger has %d", s.posted, there)
	}
	return s.balance(ctx)
}

// transactions counts those of the ledger, once the read models have everything.
func (s *benchServer) transactions(ctx context.Context) (int, error) {
	if _, err := s.settle(ctx); err != nil {
		return 0, err
	}
	ledger, err := s.Ledger(ctx, s.ledger, client.Query{})
	return int(ledger.Transactions), err
}

// balance makes sure that the books balance.
func (s *benchServer) balance(ctx context.Context) error {
	totals, err := s.Balances(ctx, s.ledger, client.Query{GroupBy: "none"})
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

// metric reads one number of /metrics.
func (s *benchServer) metric(ctx context.Context, name string) (float64, error) {
	_, _, body, err := httpGet(ctx, s.BaseURL+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(body) {
		if value, found := bytes.CutPrefix(line, []byte(name+" ")); found {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("the server has no metric %s", name)
}

// benchHTTP is apart from the default client, whose connections the loads' own setting up uses.
var benchHTTP = &http.Client{Transport: &http.Transport{}}

// httpGet reads a whole answer.
func httpGet(ctx context.Context, url string) (status int, header http.Header, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("make a request: %w", err)
	}
	answer, err := benchHTTP.Do(request)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("send a request: %w", err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return answer.StatusCode, answer.Header, body, nil
}
