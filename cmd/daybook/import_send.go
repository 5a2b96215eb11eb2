package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/journal"
)

// Limits of one request, well inside those of the server.
const (
	maxCommandsSent = 1000
	maxBytesSent    = 8 << 20
)

// How long a server may be overloaded before an import gives up, and the pause before it is asked again.
const (
	overloadTime  = 5 * time.Minute
	overloadPause = time.Second
)

// sender posts commands in order, some at a time, and counts what became of them.
type sender struct {
	client *client.Client
	ledger string
	errs   io.Writer // for what is no error, and that the user has to know
	bar    *progressbar.ProgressBar

	// start is the ledger's revision before the import: what has one up to it was there already.
	start, revision uint64
	// leftOut is where a hold stood that could not be placed any more.
	leftOut string

	imported, present int // transactions

	numbers *numbers // those that an export gives
}

func (s *sender) sendAll(ctx context.Context, batch *batch) error {
	var waiting []item
	bytes := 0
	flush := func() (err error) {
		if len(waiting) > 0 {
			err = s.send(ctx, waiting)
		}
		waiting, bytes = waiting[:0], 0
		return err
	}
	for one, err := range batch.items {
		if err != nil {
			return err
		}
		if one.opening != nil {
			continue // it was opened before all others
		}
		// After one that is refused the server goes on with the request: what it would give another number to comes later.
		if one.command == nil || one.numbered() || len(waiting) == maxCommandsSent || bytes+len(one.body.Data) > maxBytesSent {
			if err := flush(); err != nil {
				return err
			}
		}
		if one.command == nil {
			if err := s.sendAlone(ctx, &one); err != nil {
				return err
			}
			continue
		}
		if err := s.fits(&one); err != nil {
			return err
		}
		waiting = append(waiting, one)
		bytes += len(one.body.Data)
	}
	return flush()
}

func (s *sender) sendAlone(ctx context.Context, it *item) error {
	accepted, err := insist(ctx, func() (client.Accepted, error) { return s.client.SendAlone(ctx, s.ledger, it.body) })
	var problem *client.Problem
	switch {
	case errors.As(err, &problem):
		return refused(it, problem)
	case err != nil:
		return fmt.Errorf("send %s: %w", it.at, err)
	}
	s.revision = max(s.revision, accepted.Revision)
	_ = s.bar.Add(1) // the bar is for show
	return nil
}

func refused(it *item, problem *client.Problem) error {
	return fmt.Errorf("%s: the server refuses it: %w", it.at, problem)
}

func (s *sender) send(ctx context.Context, items []item) error {
	commands := make([]client.Command, len(items))
	for i := range items {
		commands[i] = items[i].body
	}
	answer, err := insist(ctx, func() (client.BulkResults, error) { return s.client.Bulk(ctx, s.ledger, false, commands) })
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

// insist sends something, and again while the server has too much to do. That is safe: what was taken all the same is known
// by its key, or found by its name or its reference and compared.
func insist[T any](ctx context.Context, send func() (T, error)) (T, error) {
	for began := time.Now(); ; {
		answer, err := send()
		if !client.IsCode(err, "overloaded") || time.Since(began) > overloadTime {
			return answer, err
		}
		select {
		case <-time.After(overloadPause):
		case <-ctx.Done():
			return answer, ctx.Err()
		}
	}
}

// take counts a result, or tells what is wrong with it.
func (s *sender) take(ctx context.Context, it *item, result *client.Result, countOnly bool) error {
	problem := result.Problem
	if problem == nil {
		// A revision of before is that of an answer of before, to the same key.
		return s.count(it, numberOf(&result.Accepted), result.Accepted.Revision > s.start)
	}
	if countOnly {
		return nil
	}
	switch {
	case problem.Code == "reference_exists":
		if err := s.compare(ctx, it, problem); err != nil {
			return err
		}
		return s.count(it, problem.Transaction+problem.Hold, false) // one of them is zero
	case problem.Code == "already_reverted": // which happens once
		return s.count(it, problem.Transaction+problem.Hold, false)
	case problem.Code == "account_exists":
		return s.compareAccount(ctx, it)
	case isOverdue(it, problem):
		return s.overdue(ctx, it)
	}
	return refused(it, problem)
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
