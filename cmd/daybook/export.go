package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// exportCmd is `daybook export`: a ledger's history as a journal, or as NDJSON of commands.
type exportCmd struct {
	remote

	Format string `default:"journal" enum:"journal,ndjson" help:"Form of the output: journal (for hledger, ledger and import) or ndjson (commands, for import)."`
}

// Run reads the ledger's events, as the server streams them, and writes what import reads back. It goes through the
// history more than once, later as far as at first: what is written of an event depends on what came after it.
func (c *exportCmd) Run(ctx context.Context, io *streams) error {
	end := ledger.NewBook()
	if err := c.each(ctx, math.MaxUint64, func(event ledger.Event) error { return ledger.Evolve(end, event) }); err != nil {
		return err
	}
	var lost omissions
	out := bufio.NewWriter(io.out)
	var err error
	if c.Format == "ndjson" {
		err = c.writeCommands(ctx, out, end, &lost)
	} else {
		err = c.writeJournal(ctx, out, end, &lost)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return lost.tell(io)
}

// each takes the ledger's first events in order, up to a number of them or to their end. Only one is in memory at a time.
func (c *exportCmd) each(ctx context.Context, most uint64, take func(ledger.Event) error) error {
	for event, err := range c.client().Events(ctx, c.Ledger, 0) {
		if err != nil {
			return fmt.Errorf("read the history of ledger %q: %w", c.Ledger, err)
		}
		if event.Revision >= most {
			break
		}
		happened, err := ledger.Decode(event.Type, event.SchemaVersion, event.Data)
		if err == nil {
			err = take(happened)
		}
		if err != nil {
			return fmt.Errorf("export revision %d of ledger %q: %w", event.Revision, c.Ledger, err)
		}
	}
	return nil
}

// omissions are what an export does not hold as the ledger has it, and how often.
type omissions struct {
	before, after string // the sentence that they are told in
	counts        map[string]int
}

func (o *omissions) add(what string, count int) {
	if count == 0 {
		return
	}
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[what] += count
}

func (o *omissions) tell(io *streams) error {
	if len(o.counts) == 0 {
		return nil
	}
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(o.counts)) {
		texts = append(texts, fmt.Sprintf("%s (%d)", what, o.counts[what]))
	}
	_, err := fmt.Fprintf(io.err, "daybook: %s: %s%s\n", o.before, strings.Join(texts, "; "), o.after)
	return err
}
