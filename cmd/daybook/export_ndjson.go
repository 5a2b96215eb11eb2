package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/render"
)

func (c *exportCmd) writeCommands(ctx context.Context, out io.Writer, end *ledger.Book, lost *omissions) error {
	lost.before = "not as the ledger has it"
	w := &commandWriter{out: out, end: end, book: ledger.NewBook(), posted: map[uint64]ledger.Metadata{}, lost: lost}
	if err := c.each(ctx, end.Revision(), w.write); err != nil {
		return err
	}
	return w.placeAgain()
}

// commandWriter writes commands, one a line, that lead a new ledger through the same history, event by event: so each is
// accepted, since it was before, and transactions and holds have the same numbers. Two things cannot be said again: when
// something was recorded, and that time ended a hold.
type commandWriter struct {
	out  io.Writer
	end  *ledger.Book // after the last event
	book *ledger.Book // before the event that is written
	lost *omissions
	// posted are the metadata that transactions were posted with, of those that have others at the end.
	posted map[uint64]ledger.Metadata
	// captured comes before the transaction that it leads to, which is written with it.
	captured ledger.HoldCaptured
	// again are the holds, open at the end, that will end by themselves.
	again []ledger.HoldPlaced
}

func (w *commandWriter) write(event ledger.Event) error {
	kind, body := w.command(event)
	if kind != "" {
		if err := w.line(kind, body); err != nil {
			return err
		}
	}
	return ledger.Evolve(w.book, event)
}

func (w *commandWriter) line(kind string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write a command: %w", err)
	}
	line, err := json.Marshal(client.Command{Type: kind, Data: data})
	if err != nil {
		return fmt.Errorf("write a command: %w", err)
	}
	_, err = w.out.Write(append(line, '\n'))
	return err
}

// command gives the type and the data of the command that leads to an event, or no type where the event comes with
// another one.
func (w *commandWriter) command(event ledger.Event) (kind string, body any) {
	switch e := event.(type) {
	case ledger.LedgerOpened:
		return openLedger, openingOf(&e)
	case ledger.ChartReplaced:
		return client.ReplaceChart, render.Chart(&e.Chart)
	case ledger.AccountOpened:
		if !e.Implicit {
			return client.OpenAccount, accountOf(&e)
		}
	case ledger.AccountClosed:
		return client.CloseAccount, aboutLine{Address: string(e.Address), Reason: e.Reason}
	case ledger.AccountReopened:
		return client.ReopenAccount, aboutLine{Address: string(e.Address), Reason: e.Reason}
	case ledger.AccountMetadataSet:
		return client.SetAccountMetadata, metadataLine{Address: string(e.Address), Metadata: patchOf(w.book.AccountMetadata(e.Address), e.Metadata)}
	case ledger.TransactionMetadataSet:
		before, changed := w.book.TransactionMetadata(e.ID)
		if !changed {
			before = w.posted[e.ID]
		}
		return client.SetTransactionMetadata, metadataLine{ID: e.ID, Metadata: patchOf(before, e.Metadata)}
	case ledger.TransactionPosted:
		return w.transaction(&e)
	case ledger.HoldPlaced:
		return client.PlaceHold, w.hold(&e)
	case ledger.HoldCaptured:
		w.captured = e
	case ledger.HoldVoided:
		return client.VoidHold, aboutLine{ID: e.ID, Reason: e.Reason}
	case ledger.HoldExpired:
		w.lost.add("holds that expired, as voided ones", 1)
		return client.VoidHold, aboutLine{ID: e.ID, Reason: "expired"}
	case ledger.PeriodClosed:
		return client.ClosePeriod, aboutLine{Through: e.Through.String(), Reason: e.Reason}
	case ledger.PeriodReopened:
		return client.ReopenPeriod, aboutLine{Through: e.Through.String(), Reason: e.Reason}
	case ledger.AssertionDeclared:
		return client.DeclareAssertion, assertionOf(&e)
	case ledger.AssertionHeld, ledger.AssertionBroken: // follow from the others
	}
	return "", nil
}

// aboutLine is a command that says little more than what it is about.
type aboutLine struct {
	ID      uint64 `json:"id,omitempty"`
	Address string `json:"address,omitempty"`
	Through string `json:"through,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

type metadataLine struct {
	ID       uint64             `json:"id,omitempty"`
	Address  string             `json:"address,omitempty"`
	Metadata map[string]*string `json:"metadata"`
}

// openingOf names the template that a ledger was opened with, if that still is the chart that it was opened with.
func openingOf(e *ledger.LedgerOpened) client.NewLedger {
	opening := client.NewLedger{Name: e.Name, Metadata: e.Metadata}
	if chart, known := e.Template.Chart(); known && reflect.DeepEqual(chart, e.Chart) {
		opening.Template = string(e.Template)
		return opening
	}
	chart := render.Chart(&e.Chart)
	opening.Chart = &chart
	return opening
}

func accountOf(e *ledger.AccountOpened) client.NewAccount {
	limits := render.Limits(e.Limits)
	return client.NewAccount{
		Address: string(e.Address), Type: string(e.Type), Metadata: e.Metadata, MinBalance: limits.MinBalance, MaxBalance: limits.MaxBalance,
	}
}

// patchOf gives the patch that makes metadata of others.
func patchOf(before, after ledger.Metadata) map[string]*string {
	patch := map[string]*string{}
	for key := range before {
		patch[key] = nil
	}
	for key, value := range after {
		patch[key] = &value
	}
	maps.DeleteFunc(patch, func(key string, value *string) bool {
		was, had := before[key]
		return had && value != nil && *value == was
	})
	return patch
}

func assertionOf(e *ledger.AssertionDeclared) any {
	text := func(s *money.Signed) string {
		if s == nil {
			return ""
		}
		return s.String()
	}
	return struct {
		Account string `json:"account"`
		Asset   string `json:"asset"`
		At      string `json:"at,omitempty"`
		Equals  string `json:"equals,omitempty"`
		GTE     string `json:"gte,omitempty"`
		LTE     string `json:"lte,omitempty"`
	}{e.Pattern.String(), string(e.Asset), timeOf(e.At), text(e.Bounds.EQ), text(e.Bounds.GTE), text(e.Bounds.LTE)}
}

// timeOf is empty where no time is given.
func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
