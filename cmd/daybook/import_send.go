package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/journal"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// Limits of one request, well inside those of the server.
const (
	maxCommandsSent = 1000
	maxBytesSent    = 8 << 20
)

// sender posts commands in order, some at a time, and counts what became of them.
type sender struct {
	client   *client.Client
	ledger   string
	bar      *progressbar.ProgressBar
	revision uint64

	imported, present int // transactions
}

func (s *sender) sendAll(ctx context.Context, batch *batch) error {
	var waiting []item
	bytes := 0
	for one, err := range batch.items {
		if err != nil {
			return err
		}
		if len(waiting) == maxCommandsSent || (len(waiting) > 0 && bytes+len(one.body.Data) > maxBytesSent) {
			if err := s.send(ctx, waiting); err != nil {
				return err
			}
			waiting, bytes = waiting[:0], 0
		}
		waiting = append(waiting, one)
		bytes += len(one.body.Data)
	}
	if len(waiting) == 0 {
		return nil
	}
	return s.send(ctx, waiting)
}

func (s *sender) send(ctx context.Context, items []item) error {
	commands := make([]client.Command, len(items))
	for i := range items {
		commands[i] = items[i].body
	}
	answer, err := s.client.Bulk(ctx, s.ledger, false, commands)
	if err != nil {
		return fmt.Errorf("send %s and what follows: %w", items[0].at, err)
	}
	if len(answer.Results) != len(items) {
		return fmt.Errorf("the server gave %d results for %d commands", len(answer.Results), len(items))
	}
	s.revision = max(s.revision, answer.Revision)
	var failed error
	for i := range items {
		// After a rejection the rest is only counted: the server went on with it.
		if err := s.take(ctx, &items[i], &answer.Results[i], failed != nil); err != nil {
			failed = err
		}
	}
	_ = s.bar.Add(len(items)) // the bar is for show
	return failed
}

// take counts a result, or tells what is wrong with it.
func (s *sender) take(ctx context.Context, it *item, result *client.Result, countOnly bool) error {
	post, isTransaction := it.command.(ledger.PostTransaction)
	if result.Problem == nil {
		if isTransaction {
			s.imported++
		}
		return nil
	}
	if countOnly {
		return nil
	}
	switch result.Problem.Code {
	case "reference_exists":
		if err := s.compare(ctx, it.at, &post, result.Problem.Transaction); err != nil {
			return err
		}
		s.present++
		return nil
	case "account_exists":
		return s.compareAccount(ctx, it)
	}
	return fmt.Errorf("%s: the server refuses it: %w", it.at, result.Problem)
}

// compare holds a transaction that has the reference against the one that was to get it.
func (s *sender) compare(ctx context.Context, at string, post *ledger.PostTransaction, id uint64) error {
	there, err := s.find(ctx, id)
	if err != nil {
		return fmt.Errorf("%s: look at transaction %d, which has the reference %s: %w", at, id, post.Reference, err)
	}
	var here []wire.Entry
	for i := range post.Entries {
		here = append(here, render.Entry(&post.Entries[i]))
	}
	if slices.Equal(here, there.Entries) && sameTime(post.EffectiveAt, there.EffectiveAt) {
		return nil
	}
	when := "no time"
	if !post.EffectiveAt.IsZero() {
		when = post.EffectiveAt.Format(time.RFC3339Nano)
	}
	return fmt.Errorf("%s: the reference %s is taken by transaction %d, which is another\n  here:  %s %s\n  there: %s %s",
		at, post.Reference, id, when, show(here), there.EffectiveAt.Format(time.RFC3339Nano), show(there.Entries))
}

// find reads a transaction that the server says exists. The read models may not have it yet, and who posted it, and at
// which revision, is not known.
func (s *sender) find(ctx context.Context, id uint64) (wire.Transaction, error) {
	const attempts, pause = 50, 100 * time.Millisecond
	query := client.Query{MinRevision: &s.revision, Wait: settleTime}
	for attempt := 1; ; attempt++ {
		found, err := s.client.Transaction(ctx, s.ledger, id, query)
		if !client.IsCode(err, "transaction_not_found") || attempt == attempts {
			return found, err
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(pause):
		}
	}
}

var errOtherAccount = errors.New("the account is open with another type or other limits")

// compareAccount holds an account that is open against the one that was to be opened: in what the command said of it.
func (s *sender) compareAccount(ctx context.Context, it *item) error {
	open, _ := it.command.(ledger.OpenAccount)
	there, err := s.client.Account(ctx, s.ledger, string(open.Address), client.Query{MinRevision: &s.revision, Wait: settleTime})
	if err != nil {
		return fmt.Errorf("%s: look at account %q, which is open: %w", it.at, open.Address, err)
	}
	same := open.Type == "" || string(open.Type) == there.Type
	if open.Limits.Min != nil {
		same = same && there.Limits.MinBalance != nil && *there.Limits.MinBalance == open.Limits.Min.String()
	}
	if open.Limits.Max != nil {
		same = same && there.Limits.MaxBalance != nil && *there.Limits.MaxBalance == open.Limits.Max.String()
	}
	if !same {
		return fmt.Errorf("%s: %q: %w", it.at, open.Address, errOtherAccount)
	}
	return nil
}

// settleTime is how long reads may take to follow writes.
const settleTime = 60 * time.Second

// settle waits until balances show what was imported. Which account is asked for does not matter.
func (s *sender) settle(ctx context.Context) error {
	_, err := s.client.Balances(ctx, s.ledger, client.Query{
		Account: journal.ConversionAccount, MinRevision: &s.revision, Wait: settleTime,
	})
	return err
}

func show(entries []wire.Entry) string {
	texts := make([]string, len(entries))
	for i, e := range entries {
		amount := e.Debit
		if amount == "" {
			amount = "-" + e.Credit
		}
		texts[i] = e.Account + " " + amount + " " + e.Asset
	}
	return strings.Join(texts, ", ")
}
