package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/daybook-ledger/daybook/internal/wire"
)

// Types of commands in bulks.
const (
	PostTransaction        = "post_transaction"
	PlaceHold              = "place_hold"
	CaptureHold            = "capture_hold"
	VoidHold               = "void_hold"
	RevertTransaction      = "revert_transaction"
	OpenAccount            = "open_account"
	SetAccountMetadata     = "set_account_metadata"
	SetTransactionMetadata = "set_transaction_metadata"
)

// NewLedger is the request to open a ledger.
type NewLedger struct {
	Name     string            `json:"name"`
	Template string            `json:"template,omitempty"`
	Chart    *wire.Chart       `json:"chart,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// NewAccount is the request to open an account explicitly.
type NewAccount struct {
	Address    string            `json:"address"`
	Type       string            `json:"type,omitempty"`
	MinBalance *string           `json:"min_balance,omitempty"`
	MaxBalance *string           `json:"max_balance,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

// NewTransaction is the request to post a transaction: Transfers or Entries, not both.
type NewTransaction struct {
	Transfers []Transfer   `json:"transfers,omitempty"`
	Entries   []wire.Entry `json:"entries,omitempty"`
	// EffectiveAt is an RFC 3339 time or a date; empty is now.
	EffectiveAt string `json:"effective_at,omitempty"`
	// Late is "reroute" for a transaction that is to be moved out of a closed period.
	Late        string            `json:"late,omitempty"`
	Reference   string            `json:"reference,omitempty"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	DryRun      bool              `json:"dry_run,omitempty"`
}

// Transfer is shorthand for two entries: debit From, credit To.
type Transfer struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Asset  string `json:"asset"`
	Amount string `json:"amount"`
}

// Command is one command of a bulk.
type Command struct {
	Type           string          `json:"type"`
	IdempotencyKey string          `json:"idempotency_key,omitempty"`
	Data           json.RawMessage `json:"data"`
}

// Accepted is the answer to a command: what came of it, and the revision of its last event.
type Accepted struct {
	Ledger      *wire.Ledger      `json:"ledger"`
	Account     *wire.Account     `json:"account"`
	Transaction *wire.Transaction `json:"transaction"`
	Hold        *wire.Hold        `json:"hold"`
	Revision    uint64            `json:"revision"`
}

// Result is what became of one command of a bulk. Problem is nil where it was accepted.
type Result struct {
	Accepted Accepted
	Problem  *Problem
}

// UnmarshalJSON reads either kind of result.
func (r *Result) UnmarshalJSON(data []byte) error {
	var kind struct {
		Status int `json:"status"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return err
	}
	if kind.Status/100 == 2 {
		return json.Unmarshal(data, &r.Accepted)
	}
	r.Problem = &Problem{}
	return json.Unmarshal(data, r.Problem)
}

// BulkResults are the results of a bulk, in the order of its commands, and the ledger's revision after it.
type BulkResults struct {
	Results  []Result `json:"results"`
	Revision uint64   `json:"revision"`
}

// StreamResults sum up a stream of commands. Problems are the first 1,000, with the line (from 1) of each.
type StreamResults struct {
	Accepted uint64          `json:"accepted"`
	Rejected uint64          `json:"rejected"`
	Revision *uint64         `json:"revision"`
	Problems []StreamProblem `json:"problems"`
}

// StreamProblem is why one line of a stream was rejected.
type StreamProblem struct { //nolint:errname // what RFC 9457 calls it
	Problem

	Line uint64 `json:"line"`
}

// OpenLedger opens a ledger.
func (c *Client) OpenLedger(ctx context.Context, ledger NewLedger, key string) (a Accepted, err error) {
	return a, c.post(ctx, "/ledgers", key, ledger, &a)
}

// OpenAccount opens an account.
func (c *Client) OpenAccount(ctx context.Context, ledger string, account NewAccount, key string) (a Accepted, err error) {
	return a, c.post(ctx, path(ledger, "accounts"), key, account, &a)
}

// Post posts a transaction.
func (c *Client) Post(ctx context.Context, ledger string, transaction NewTransaction, key string) (a Accepted, err error) {
	return a, c.post(ctx, path(ledger, "transactions"), key, transaction, &a)
}

// Bulk sends up to 10,000 commands. Where atomic is set and one fails the error is a [*Problem] "bulk_rejected".
func (c *Client) Bulk(ctx context.Context, ledger string, atomic bool, commands []Command) (r BulkResults, err error) {
	body := struct {
		Atomic   bool      `json:"atomic"`
		Commands []Command `json:"commands"`
	}{atomic, commands}
	return r, c.post(ctx, path(ledger, "bulk"), "", body, &r)
}

// Stream sends commands as NDJSON, one a line, as they come out of the reader.
func (c *Client) Stream(ctx context.Context, ledger string, lines io.Reader) (r StreamResults, err error) {
	header := http.Header{"Content-Type": {mediaNDJSON}}
	return r, c.exchange(ctx, http.MethodPost, path(ledger, "bulk"), nil, header, lines, &r)
}
