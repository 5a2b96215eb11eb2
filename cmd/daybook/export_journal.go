package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/journal"
)

// Tags that say what a journal has no syntax for. Import takes them for what they are, not for metadata.
const (
	tagReference   = "daybook_reference"
	tagEffectiveAt = "daybook_effective_at"
)

// writeJournal checks the journal as a whole before its first line is written.
func (c *exportCmd) writeJournal(ctx context.Context, out io.Writer, end *ledger.Book, lost *omissions) error {
	if err := c.each(ctx, end.Revision(), newJournalWriter(io.Discard, end, new(omissions)).write); err != nil {
		return err
	}
	lost.before, lost.after = "left out, since a journal has no place for it", ". --format ndjson has it"
	if _, err := fmt.Fprintf(out, "; ledger %s, up to revision %d\n", c.Ledger, end.Revision()-1); err != nil {
		return err
	}
	return c.each(ctx, end.Revision(), newJournalWriter(out, end, lost).write)
}

// journalWriter writes a ledger in the syntax of hledger and ledger. What it has written of a transaction it reads
// again as import would: where that is not the same transaction, the syntax cannot hold it, and it is refused. What is said
// of the ledger beyond its transactions and the types of its accounts is left out, and counted.
type journalWriter struct {
	out  io.Writer
	end  *ledger.Book // after the last event
	lost *omissions
	// assets has the asset of each code met: as a commodity a code has one scale.
	assets map[string]money.Asset
}

func newJournalWriter(out io.Writer, end *ledger.Book, lost *omissions) *journalWriter {
	return &journalWriter{out: out, end: end, lost: lost, assets: map[string]money.Asset{}}
}

func (w *journalWriter) write(event ledger.Event) error {
	w.leaveOut(event)
	var text string
	switch e := event.(type) {
	case ledger.AccountOpened:
		if e.Implicit {
			return nil
		}
		if strings.Contains(string(e.Address), "  ") || strings.Contains(string(e.Address), ";") {
			return fmt.Errorf("account %q cannot be written in a journal: export with --format ndjson", e.Address)
		}
		text = "account " + string(e.Address) + "  ; type: " + typeLetters[e.Type] + "\n"
	case ledger.TransactionPosted:
		if m, changed := w.end.TransactionMetadata(e.ID); changed {
			e.Metadata = m
		}
		var err error
		if text, err = w.transaction(&e); err != nil {
			return fmt.Errorf("transaction %d cannot be written in a journal: %w; export with --format ndjson", e.ID, err)
		}
	}
	_, err := io.WriteString(w.out, text)
	return err
}

// typeLetters are the account types as hledger abbreviates them.
var typeLetters = map[ledger.AccountType]string{
	ledger.Asset: "A", ledger.Liability: "L", ledger.Equity: "E", ledger.Income: "R", ledger.Expense: "X",
}

func (w *journalWriter) transaction(e *ledger.TransactionPosted) (string, error) {
	post := postOf(e)
	for _, entry := range post.Entries {
		code := entry.Asset.Code()
		if known, met := w.assets[code]; met && known != entry.Asset {
			return "", fmt.Errorf("as a commodity %s has one scale, and the ledger has %s and %s", code, known, entry.Asset)
		}
		w.assets[code] = entry.Asset
	}
	text := journalText(&post)
	read, err := readBack(text)
	if err != nil {
		return "", fmt.Errorf("it would not be read again (%w)", err)
	}
	if err := sameTransaction(&post, read); err != nil {
		return "", err
	}
	return "\n" + text, nil
}

// journalText is a transaction in journal syntax: a first line, tags, and a line for each entry.
func journalText(post *ledger.PostTransaction) string {
	var b strings.Builder
	tags := maps.Clone(post.Metadata)
	if tags == nil {
		tags = ledger.Metadata{}
	}
	b.WriteString(post.EffectiveAt.Format(time.DateOnly))
	switch tags["status"] {
	case "cleared":
		b.WriteString(" *")
		delete(tags, "status")
	case "pending":
		b.WriteString(" !")
		delete(tags, "status")
	}
	code, hasCode := tags["code"]
	// A description that looks like a status or a code is kept from being one by an empty code.
	if (hasCode && code != "") || (post.Description != "" && strings.ContainsRune("(*!", rune(post.Description[0]))) {
		b.WriteString(" (" + code + ")")
		if code != "" {
			delete(tags, "code")
		}
	}
	if post.Description != "" {
		b.WriteString(" " + post.Description)
	}
	b.WriteString("\n")
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		writeTag(&b, key, tags[key])
	}
	if post.Reference != "" {
		writeTag(&b, tagReference, post.Reference)
	}
	if post.EffectiveAt.Truncate(24*time.Hour) != post.EffectiveAt {
		writeTag(&b, tagEffectiveAt, post.EffectiveAt.Format(time.RFC3339Nano))
	}
	for _, entry := range post.Entries {
		writeEntry(&b, entry)
	}
	return b.String()
}

func writeTag(b *strings.Builder, key, value string) {
	b.WriteString(strings.TrimRight("    ; "+key+": "+value, " ") + "\n")
}

func writeEntry(b *strings.Builder, entry ledger.Entry) {
	sign := ""
	if entry.Side == ledger.Credit {
		sign = "-"
	}
	code := entry.Asset.Code()
	if strings.ContainsAny(code, "0123456789_.-") {
		code = `"` + code + `"`
	}
	fmt.Fprintf(b, "    %s  %s%s %s\n", entry.Account, sign, money.Format(entry.Asset, entry.Amount), code)
}

// readBack reads one transaction as import does.
func readBack(text string) (*ledger.PostTransaction, error) {
	parsed, err := journal.Parse("export", strings.NewReader(text), journal.Options{})
	if err != nil {
		return nil, err
	}
	if len(parsed.Transactions) != 1 {
		return nil, fmt.Errorf("as %d transactions", len(parsed.Transactions))
	}
	var it item
	if err := it.fromJournal("export", &parsed.Transactions[0]); err != nil {
		return nil, err
	}
	post, _ := it.command.(ledger.PostTransaction)
	return &post, nil
}

// sameTransaction tells in what one transaction differs from another that was read back.
func sameTransaction(wrote, read *ledger.PostTransaction) error {
	const lost = "its %s would be read as %q, not %q"
	switch {
	case !slices.Equal(wrote.Entries, read.Entries):
		var before, after []string
		for _, e := range wrote.Entries {
			before = append(before, string(e.Account)+" "+string(e.Asset))
		}
		for _, e := range read.Entries {
			after = append(after, string(e.Account)+" "+string(e.Asset))
		}
		return fmt.Errorf(lost, "entries", after, before)
	case !wrote.EffectiveAt.Equal(read.EffectiveAt):
		return fmt.Errorf(lost, "effective time", read.EffectiveAt, wrote.EffectiveAt)
	case wrote.Description != read.Description:
		return fmt.Errorf(lost, "description", read.Description, wrote.Description)
	case wrote.Reference != read.Reference && wrote.Reference != "":
		return fmt.Errorf(lost, "reference", read.Reference, wrote.Reference)
	case !maps.Equal(wrote.Metadata, read.Metadata):
		return fmt.Errorf(lost, "metadata", map[string]string(read.Metadata), map[string]string(wrote.Metadata))
	}
	return nil
}
