package ledger

import (
	"fmt"
	"io"
)

// SnapshotVersion is the form of a snapshot, which is a book in bytes, so that a book need not be made again from its first event:
//
//	version       byte, SnapshotVersion
//	opened        text: the JSON of LedgerOpened; empty where the ledger is not open. The rest follows only if it is
//	chart         text: the JSON of the last ChartReplaced, or empty
//	revision      number
//	transactions  number
//	assets        count, then each: text
//	accounts      count, then each: text; flags (3 bits of type, own minimum, own maximum, closed, metadata); 1 + rule, or 0;
//	              own limits; metadata, if it has some, as a text in the form of packed
//	holdings      count, then each: account, asset, debits, credits
//	references    count, then each: text; number of the transaction or hold, doubled, and 1 more for a hold
//
// and then what snapshotSections lists, each as told where it is written.
//
// A count or number is a varint, an amount two of them (upper, lower half), a text its length and its bytes. Items
// refer to each other by their place. Equal histories give equal snapshots. Whoever keeps one adds a checksum: what
// is tested here is only that restoring cannot fail in any other way than with an error.
const SnapshotVersion = 3

// snapshotSections are the parts of a snapshot that follow the references, in order. Each may refer to all before it.
func snapshotSections() []snapshotSection {
	return []snapshotSection{
		{(*Book).writeHolds, (*Book).readHolds},
		{(*Book).writeReverts, (*Book).readReverts},
		{(*Book).writePatches, (*Book).readPatches},
		{(*Book).writeClosings, (*Book).readClosings},
		{(*Book).writeAssertions, (*Book).readAssertions},
	}
}

type snapshotSection struct {
	write func(*Book, *snapshotWriter)
	read  func(*Book, *snapshotReader)
}

const (
	kindBits    = 7
	hasMinimum  = 8
	hasMaximum  = 16
	isClosed    = 32
	hasMetadata = 64
)

// AppendSnapshot appends the book's state to data.
func (b *Book) AppendSnapshot(data []byte) []byte {
	w := snapshotWriter{b: data}
	w.book(b)
	return w.b
}

// WriteSnapshot writes what AppendSnapshot appends.
func (f *Frozen) WriteSnapshot(to io.Writer) error {
	w := snapshotWriter{to: to}
	w.book(&f.book)
	w.flush()
	if w.err != nil {
		return fmt.Errorf("write a snapshot of a book: %w", w.err)
	}
	return nil
}

// book writes a book, live or frozen. It uses nothing of it that Freeze leaves out.
func (w *snapshotWriter) book(b *Book) {
	w.byte(SnapshotVersion)
	if b.opened == nil {
		w.byte(0)
		return
	}
	w.event(*b.opened)
	w.chart(b)
	w.number(b.revision)
	w.number(b.transactions)
	w.number(uint64(len(b.assets)))
	for _, asset := range b.assets {
		w.text(string(asset))
	}
	w.number(uint64(b.accounts.len()))
	for _, a := range b.accounts.all {
		w.account(b, a)
		w.pass()
	}
	w.number(uint64(b.holdings.len()))
	for _, h := range b.holdings.all {
		w.number(uint64(h.account))
		w.number(uint64(h.asset))
		w.sums(h.sums)
		w.pass()
	}
	w.references(b)
	for _, section := range snapshotSections() {
		section.write(b, w)
	}
}

func (w *snapshotWriter) account(b *Book, a *account) {
	var more extra
	if a.extra != 0 {
		more = *b.extras.at(a.extra - 1)
	}
	flags := byte(a.kind)
	for _, f := range [...]struct {
		flag byte
		set  bool
	}{
		{hasMinimum, more.own.Min != nil}, {hasMaximum, more.own.Max != nil}, {isClosed, a.closed}, {hasMetadata, more.metadata != ""},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	w.text(string(a.address))
	w.byte(flags)
	w.number(uint64(a.rule + 1)) // noRule becomes 0
	w.signed(more.own.Min)
	w.signed(more.own.Max)
	if more.metadata != "" {
		w.text(string(more.metadata))
	}
}

func (w *snapshotWriter) references(b *Book) {
	count := 0
	for _, g := range b.references.generations {
		count += int(g.list.len())
	}
	w.number(uint64(count))
	for _, g := range b.references.generations {
		for _, r := range g.list.all {
			w.text(r.text)
			w.number(uint64(r.owner))
			w.pass()
		}
	}
}
