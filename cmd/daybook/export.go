package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/render"
)

// exportCmd is `daybook export`: a ledger's history as a journal, or as NDJSON of commands.
type exportCmd struct {
	remote

	Format string `default:"journal" enum:"journal,ndjson" help:"Form of the output: journal (for hledger, ledger and import) or ndjson (commands, for import)."`
}

// Run reads the ledger's events, as the server streams them, and writes what import reads back. A journal is checked
// as a whole before its first line is written.
func (c *exportCmd) Run(ctx context.Context, io *streams) error {
	out := bufio.NewWriter(io.out)
	var err error
	if c.Format == "ndjson" {
		_, err = c.each(ctx, math.MaxUint64, (&commandWriter{out: out}).write)
	} else {
		err = c.writeJournal(ctx, out)
	}
	return errors.Join(err, out.Flush())
}

// writeJournal goes through the history twice, the second time as far as the first time.
func (c *exportCmd) writeJournal(ctx context.Context, out io.Writer) error {
	last, err := c.each(ctx, math.MaxUint64, newJournalWriter(io.Discard).write)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "; ledger %s, up to revision %d\n", c.Ledger, last); err != nil {
		return err
	}
	_, err = c.each(ctx, last, newJournalWriter(out).write)
	return err
}

// each takes the ledger's events in order, up to a revision or to their end, and tells the revision of the last. Only
// one is in memory at a time.
func (c *exportCmd) each(ctx context.Context, until uint64, write func(ledger.Event) error) (last uint64, err error) {
	for event, err := range c.client().Events(ctx, c.Ledger, 0) {
		if err != nil {
			return last, fmt.Errorf("read the history of ledger %q: %w", c.Ledger, err)
		}
		happened, err := ledger.Decode(event.Type, event.SchemaVersion, event.Data)
		if err != nil {
			return last, fmt.Errorf("read revision %d of ledger %q: %w", event.Revision, c.Ledger, err)
		}
		if err := write(happened); err != nil {
			return last, err
		}
		if last = event.Revision; last >= until {
			break
		}
	}
	return last, nil
}

// commandWriter writes commands, one a line, that lead to the same accounts and transactions.
type commandWriter struct{ out io.Writer }

func (w *commandWriter) write(event ledger.Event) error {
	switch e := event.(type) {
	case ledger.AccountOpened:
		if e.Implicit {
			return nil
		}
		limits := render.Limits(e.Limits)
		return w.line(client.OpenAccount, client.NewAccount{
			Address: string(e.Address), Type: string(e.Type), Metadata: e.Metadata,
			MinBalance: limits.MinBalance, MaxBalance: limits.MaxBalance,
		})
	case ledger.TransactionPosted:
		post := postOf(e)
		return w.line(client.PostTransaction, requestOf(&post))
	default:
		return nil // the ledger itself is import's to create
	}
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

// postOf is the command that a transaction came from.
func postOf(e ledger.TransactionPosted) ledger.PostTransaction {
	return ledger.PostTransaction{Movement: ledger.Movement{
		Entries: e.Entries, EffectiveAt: e.EffectiveAt, Reference: e.Reference, Description: e.Description, Metadata: e.Metadata,
	}}
}
