package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/client"
)

// exportCmd is `daybook export`: a ledger's history as a journal, or as NDJSON of commands.
type exportCmd struct {
	remote

	Format string `default:"journal" enum:"journal,ndjson" help:"Form of the output: journal (for hledger, ledger and import) or ndjson (commands, for import)."`
}

// Run reads the ledger's events, as the server streams them, and writes what import reads back. A journal is checked
// as a whole before its first line is written.
func (c *exportCmd) Run(ctx context.Context, io *streams) error {
	known, err := c.client().Ledger(ctx, c.Ledger, client.Query{})
	if err != nil {
		return fmt.Errorf("look at ledger %q: %w", c.Ledger, err)
	}
	out := bufio.NewWriter(io.out)
	if c.Format == "ndjson" {
		err = c.each(ctx, known.Revision, (&commandWriter{out: out}).write)
	} else {
		err = c.writeJournal(ctx, known.Revision, out)
	}
	return errors.Join(err, out.Flush())
}

func (c *exportCmd) writeJournal(ctx context.Context, last uint64, out io.Writer) error {
	check := newJournalWriter(io.Discard)
	if err := c.each(ctx, last, check.write); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "; ledger %s, up to revision %d\n", c.Ledger, last); err != nil {
		return err
	}
	return c.each(ctx, last, newJournalWriter(out).write)
}

// each takes the ledger's events up to a revision, in order. Only one is in memory at a time.
func (c *exportCmd) each(ctx context.Context, last uint64, write func(ledger.Event) error) error {
	for event, err := range c.client().Events(ctx, c.Ledger, 0) {
		if err != nil {
			return fmt.Errorf("read the history of ledger %q: %w", c.Ledger, err)
		}
		happened, err := ledger.Decode(event.Type, event.SchemaVersion, event.Data)
		if err != nil {
			return fmt.Errorf("read revision %d of ledger %q: %w", event.Revision, c.Ledger, err)
		}
		if err := write(happened); err != nil {
			return err
		}
		if event.Revision >= last {
			return nil
		}
	}
	return nil
}

// commandWriter writes commands, one a line, that lead to the same accounts and transactions.
type commandWriter struct{ out io.Writer }

func (w *commandWriter) write(event ledger.Event) error {
	switch e := event.(type) {
	case ledger.AccountOpened:
		if e.Implicit {
			return nil
		}
		return w.line(client.OpenAccount, client.NewAccount{
			Address: string(e.Address), Type: string(e.Type), Metadata: e.Metadata,
			MinBalance: textOf(e.Limits.Min), MaxBalance: textOf(e.Limits.Max),
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
	return ledger.PostTransaction{
		Entries: e.Entries, EffectiveAt: e.EffectiveAt, Reference: e.Reference, Description: e.Description, Metadata: e.Metadata,
	}
}

func textOf(s *money.Signed) *string {
	if s == nil {
		return nil
	}
	text := s.String()
	return &text
}
