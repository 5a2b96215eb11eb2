package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/internal/wire"
)

// Query holds the parameters of queries: each query knows some of them, and the server refuses the others. What is
// empty is left out.
type Query struct {
	// MinRevision is the revision that the answer must reflect at least; Wait is how long the server may wait for it.
	MinRevision *uint64
	Wait        time.Duration

	Address, Account, Asset, Reference, Text string
	At, From, To                             string // times or dates; From of events is a revision
	AsOfRevision                             *uint64
	GroupBy                                  string
	Metadata                                 map[string]string
	Limit                                    int // rows of a page

	cursor string
}

func (q Query) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"address": q.Address, "account": q.Account, "asset": q.Asset, "reference": q.Reference, "q": q.Text,
		"at": q.At, "from": q.From, "to": q.To, "group_by": q.GroupBy, "cursor": q.cursor,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, number := range map[string]*uint64{"min_revision": q.MinRevision, "as_of_revision": q.AsOfRevision} {
		if number != nil {
			values.Set(name, strconv.FormatUint(*number, 10))
		}
	}
	if q.Wait > 0 {
		values.Set("wait", q.Wait.String())
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	for key, value := range q.Metadata {
		values.Set("metadata["+key+"]", value)
	}
	return values
}

// Ledger asks for a ledger.
func (c *Client) Ledger(ctx context.Context, ledger string, query Query) (l wire.Ledger, err error) {
	return l, c.Get(ctx, path(ledger), query, &l)
}

// Account asks for an account with its balances.
func (c *Client) Account(ctx context.Context, ledger, address string, query Query) (wire.Account, error) {
	var answer struct {
		Account wire.Account `json:"account"`
	}
	err := c.Get(ctx, path(ledger, "accounts", address), query, &answer)
	return answer.Account, err
}

// Balances asks for balances, of one account or many, now or as they stood.
func (c *Client) Balances(ctx context.Context, ledger string, query Query) (b wire.Balances, err error) {
	return b, c.Get(ctx, path(ledger, "balances"), query, &b)
}

// Transaction asks for one transaction.
func (c *Client) Transaction(ctx context.Context, ledger string, id uint64, query Query) (wire.Transaction, error) {
	var answer struct {
		Transaction wire.Transaction `json:"transaction"`
	}
	err := c.Get(ctx, path(ledger, "transactions", strconv.FormatUint(id, 10)), query, &answer)
	return answer.Transaction, err
}

// Hold asks for one hold.
func (c *Client) Hold(ctx context.Context, ledger string, id uint64, query Query) (wire.Hold, error) {
	var answer struct {
		Hold wire.Hold `json:"hold"`
	}
	err := c.Get(ctx, path(ledger, "holds", strconv.FormatUint(id, 10)), query, &answer)
	return answer.Hold, err
}

// Ledgers yields all ledgers. Like the sequences below it asks for page after page, and ends after an error.
func (c *Client) Ledgers(ctx context.Context, query Query) iter.Seq2[wire.Ledger, error] {
	return pages[wire.Ledger](ctx, c, "/ledgers", query)
}

// Accounts yields the accounts of a ledger.
func (c *Client) Accounts(ctx context.Context, ledger string, query Query) iter.Seq2[wire.Account, error] {
	return pages[wire.Account](ctx, c, path(ledger, "accounts"), query)
}

// Transactions yields the transactions of a ledger, newest first.
func (c *Client) Transactions(ctx context.Context, ledger string, query Query) iter.Seq2[wire.Transaction, error] {
	return pages[wire.Transaction](ctx, c, path(ledger, "transactions"), query)
}

// Holds yields the holds of a ledger, newest first.
func (c *Client) Holds(ctx context.Context, ledger string, query Query) iter.Seq2[wire.Hold, error] {
	return pages[wire.Hold](ctx, c, path(ledger, "holds"), query)
}

// Statement yields the entries of an account in effective order.
func (c *Client) Statement(ctx context.Context, ledger, address string, query Query) iter.Seq2[wire.StatementLine, error] {
	return pages[wire.StatementLine](ctx, c, path(ledger, "accounts", address, "entries"), query)
}

func pages[T any](ctx context.Context, c *Client, path string, query Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for {
			var page wire.Page[T]
			if err := c.Get(ctx, path, query, &page); err != nil {
				yield(none, err)
				return
			}
			for _, row := range page.Data {
				if !yield(row, nil) {
					return
				}
			}
			if page.NextCursor == nil {
				return
			}
			query.cursor = *page.NextCursor
		}
	}
}

// Events yields the history of a ledger from a revision on, in order, as the server streams it.
func (c *Client) Events(ctx context.Context, ledger string, from uint64) iter.Seq2[wire.Event, error] {
	return func(yield func(wire.Event, error) bool) {
		query := Query{From: strconv.FormatUint(from, 10)}.values()
		answer, err := c.send(ctx, http.MethodGet, path(ledger, "events"), query, http.Header{"Accept": {mediaNDJSON}}, nil)
		if err != nil {
			yield(wire.Event{}, err)
			return
		}
		defer answer.Body.Close()
		lines := bufio.NewReader(answer.Body)
		for {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return
			}
			var event wire.Event
			if err == nil || errors.Is(err, io.EOF) {
				err = json.Unmarshal(line, &event)
			}
			if err != nil {
				yield(wire.Event{}, fmt.Errorf("read the events of ledger %q: %w", ledger, err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// path is that of something in a ledger; its parts are escaped.
func path(ledger string, parts ...string) string {
	var b strings.Builder
	b.WriteString("/ledgers/" + url.PathEscape(ledger))
	for _, part := range parts {
		b.WriteString("/" + url.PathEscape(part))
	}
	return b.String()
}
