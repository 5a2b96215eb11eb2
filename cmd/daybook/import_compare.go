package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// existing is a transaction or a hold that has a reference already.
type existing struct {
	name    string // "transaction 7"
	entries []wire.Entry
	wanted  time.Time // when it was to be effective
}

// compare holds what has a reference against what was to get it, as far as the command alone says what that comes to.
func (s *sender) compare(ctx context.Context, it *item, problem *client.Problem) error {
	there, err := s.find(ctx, problem)
	movement, _ := it.movement()
	if err != nil {
		return fmt.Errorf("%s: look at what has the reference %s: %w", it.at, movement.Reference, err)
	}
	here, plain := plainEntries(&movement)
	_, hold := it.command.(ledger.PlaceHold)
	same := hold == (problem.Hold != 0) && (!plain || slices.Equal(here, there.entries))
	if !same || !movement.EffectiveAt.IsZero() && !movement.EffectiveAt.Equal(there.wanted) {
		return fmt.Errorf("%s: the reference %s is taken by %s, which is another\n  here:  %s %s\n  there: %s %s", it.at,
			movement.Reference, there.name, moment(movement.EffectiveAt), show(here), moment(there.wanted), show(there.entries))
	}
	return nil
}

// find reads what the server says exists. The read models may not have it yet, and who made it, and at which revision, is
// not known.
func (s *sender) find(ctx context.Context, problem *client.Problem) (found existing, err error) {
	const attempts, pause = 50, 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		if problem.Hold != 0 {
			found, err = s.findHold(ctx, problem.Hold)
		} else {
			found, err = s.findTransaction(ctx, problem.Transaction)
		}
		if !client.IsCode(err, "transaction_not_found") && !client.IsCode(err, "hold_not_found") || attempt == attempts {
			return found, err
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *sender) findTransaction(ctx context.Context, id uint64) (existing, error) {
	there, err := s.client.Transaction(ctx, s.ledger, id, client.Query{MinRevision: &s.revision, Wait: settleTime})
	wanted := there.EffectiveAt
	if there.IntendedAt != nil {
		wanted = *there.IntendedAt
	}
	return existing{fmt.Sprintf("transaction %d", id), there.Entries, wanted}, err
}

func (s *sender) findHold(ctx context.Context, id uint64) (existing, error) {
	there, err := s.client.Hold(ctx, s.ledger, id, client.Query{MinRevision: &s.revision, Wait: settleTime})
	return existing{fmt.Sprintf("hold %d", id), there.Entries, there.EffectiveAt}, err
}

// plainEntries are what a movement comes to if that does not depend on what accounts have.
func plainEntries(m *ledger.Movement) (entries []wire.Entry, plain bool) {
	for i := range m.Entries {
		entries = append(entries, render.Entry(&m.Entries[i]))
	}
	for i := range m.Transfers {
		t := &m.Transfers[i]
		if !t.Plain() {
			return nil, false
		}
		amount := t.Amount.Exactly.String()
		entries = append(entries,
			wire.Entry{Account: string(t.From[0].Account), Asset: string(t.Asset), Debit: amount},
			wire.Entry{Account: string(t.To[0].Account), Asset: string(t.Asset), Credit: amount})
	}
	return entries, len(entries) > 0
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

func moment(t time.Time) string {
	if t.IsZero() {
		return "no time"
	}
	return t.Format(time.RFC3339Nano)
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
