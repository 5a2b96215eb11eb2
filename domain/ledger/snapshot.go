package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// A snapshot is a book in bytes, so that a book need not be made again from its first event:
//
//	version       byte, snapshotVersion
//	opened        text: the JSON of LedgerOpened; empty where the ledger is not open. The rest follows only if it is
//	chart         text: the JSON of the last ChartReplaced, or empty
//	revision      number
//	transactions  number
//	assets        count, then each: text
//	accounts      count, then each: text; flags (3 bits of type, own minimum, own maximum, closed); 1 + rule, or 0; own limits
//	holdings      count, then each: account, asset, debits, credits
//	references    count, then each: 16 bytes of digest; number of the transaction or hold, doubled, and 1 more for a hold
//
// and then what snapshotSections lists, each as told where it is written.
//
// A count or number is a varint, an amount two of them (upper, lower half), a text its length and its bytes. Items
// refer to each other by their place. Equal histories give equal snapshots. Whoever keeps one adds a checksum: what
// is tested here is only that restoring cannot fail in any other way than with an error. Version 1 had no revision and no sections.
const snapshotVersion = 2

// snapshotSections are the parts of a snapshot that follow the references, in order. Each may refer to all before it.
func snapshotSections() []snapshotSection {
	return []snapshotSection{
		{(*Book).writePending, (*Book).readPending},
		{(*Book).writeHolds, (*Book).readHolds},
		{(*Book).writeReverts, (*Book).readReverts},
		{(*Book).writeMetadata, (*Book).readMetadata},
		{(*Book).writeClosings, (*Book).readClosings},
		{(*Book).writeAssertions, (*Book).readAssertions},
	}
}

type snapshotSection struct {
	write func(*Book, *snapshotWriter)
	read  func(*Book, *snapshotReader)
}

const (
	kindBits   = 7
	hasMinimum = 8
	hasMaximum = 16
	isClosed   = 32
)

var (
	errSnapshotShort   = errors.New("it ends early")
	errSnapshotVersion = errors.New("it has another version")
	errSnapshotValue   = errors.New("it has a value that cannot be")
)

// AppendSnapshot appends the book's state to data.
func (b *Book) AppendSnapshot(data []byte) []byte {
	w := snapshotWriter{append(data, snapshotVersion)}
	if b.opened == nil {
		return append(w.b, 0)
	}
	opened, err := AppendData(nil, *b.opened)
	if err != nil {
		panic(fmt.Sprintf("ledger: snapshot of a book that no event could have led to: %v", err))
	}
	w.text(string(opened))
	w.chart(b)
	w.number(b.revision)
	w.number(b.transactions)
	w.number(uint64(len(b.assets)))
	for _, asset := range b.assets {
		w.text(string(asset))
	}
	w.number(uint64(len(b.accounts)))
	for i := range b.accounts {
		w.account(b, &b.accounts[i])
	}
	w.number(uint64(len(b.holdings)))
	for i := range b.holdings {
		h := &b.holdings[i]
		w.number(uint64(h.account))
		w.number(uint64(h.asset))
		w.sums(h.sums)
	}
	w.number(uint64(len(b.references)))
	for i := range b.references {
		w.b = append(w.b, b.references[i].digest[:]...)
		w.number(uint64(b.references[i].owner))
	}
	for _, section := range snapshotSections() {
		section.write(b, &w)
	}
	return w.b
}

// RestoreSnapshot gives the book whose snapshot it is.
func RestoreSnapshot(data []byte) (*Book, error) {
	r := snapshotReader{data: data}
	b := NewBook()
	if r.byte() != snapshotVersion {
		r.fail(errSnapshotVersion)
	}
	if opened := r.text(); len(opened) > 0 {
		r.restore(b, opened)
	}
	if r.err == nil && len(r.data) > 0 {
		r.fail(errSnapshotValue)
	}
	if r.err != nil {
		return nil, fmt.Errorf("restore a snapshot of a book, %d bytes before its end: %w", len(r.data), r.err)
	}
	return b, nil
}

func (r *snapshotReader) restore(b *Book, opened []byte) {
	event, err := Decode(ledgerOpenedName, 1, opened)
	if err == nil {
		err = Evolve(b, event)
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.chart(b)
	b.revision, b.transactions = r.number(), r.number()
	for range r.count(1) {
		asset, err := money.ParseAsset(string(r.text()))
		if _, twice := b.assetNumbers[asset]; err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.newAsset(asset)
	}
	r.accounts(b)
	r.holdings(b)
	r.references(b)
	for _, section := range snapshotSections() {
		if r.err == nil {
			section.read(b, r)
		}
	}
}

func (r *snapshotReader) accounts(b *Book) {
	n := r.count(3)
	b.accounts = make([]account, 0, n)
	b.accountIndex.reserve(n)
	for range n {
		a, err := address.Parse(string(r.text()))
		flags := r.byte()
		rule := uint32(r.below(uint64(len(b.matcher.rules))+1)) - 1
		own := r.limits(flags)
		kind := kind(flags & kindBits)
		if err != nil || int(kind) >= len(kinds) {
			r.fail(errSnapshotValue)
		}
		if _, twice := b.findAccount(a); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addAccount(a, rule, kind, own)
		b.accounts[len(b.accounts)-1].closed = flags&isClosed != 0
	}
}

func (r *snapshotReader) holdings(b *Book) {
	n := r.count(6)
	b.holdings = make([]holding, 0, n)
	b.holdingIndex.reserve(n)
	for range n {
		account := uint32(r.below(uint64(len(b.accounts))))
		asset := uint32(r.below(uint64(len(b.assets))))
		posted := r.sums()
		if _, twice := b.findHolding(account, asset); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addHolding(account, asset, posted)
	}
}

func (r *snapshotReader) references(b *Book) {
	n := r.count(len(reference{}.digest) + 1)
	b.references = make([]reference, 0, n)
	b.referenceIndex.reserve(n)
	for range n {
		var digest [16]byte
		copy(digest[:], r.bytes(uint64(len(digest))))
		owner := owner(r.number())
		if _, twice := b.findReference(digest); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addReference(digest, owner)
	}
}

// snapshotWriter writes what a snapshot is made of, and snapshotReader reads it: after its first error everything it
// gives is zero.
type snapshotWriter struct{ b []byte }

func (w *snapshotWriter) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *snapshotWriter) text(s string) {
	w.number(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *snapshotWriter) amount(a money.Amount) {
	hi, lo := a.Words()
	w.number(hi)
	w.number(lo)
}

func (w *snapshotWriter) sums(s sums) {
	w.amount(s.debits)
	w.amount(s.credits)
}

func (w *snapshotWriter) signed(s *money.Signed) {
	if s == nil {
		return
	}
	sign := byte(0)
	if s.IsNegative() {
		sign = 1
	}
	w.b = append(w.b, sign)
	w.amount(s.Abs())
}

func (w *snapshotWriter) account(b *Book, a *account) {
	var own Limits
	if a.own != 0 {
		own = b.own[a.own-1]
	}
	flags := byte(a.kind)
	if own.Min != nil {
		flags |= hasMinimum
	}
	if own.Max != nil {
		flags |= hasMaximum
	}
	if a.closed {
		flags |= isClosed
	}
	w.text(string(a.address))
	w.b = append(w.b, flags)
	w.number(uint64(a.rule + 1)) // noRule becomes 0
	w.signed(own.Min)
	w.signed(own.Max)
}

type snapshotReader struct {
	data []byte
	err  error
}

func (r *snapshotReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *snapshotReader) bytes(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.data)) {
		r.fail(errSnapshotShort)
		return nil
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *snapshotReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *snapshotReader) number() uint64 {
	n, size := binary.Uvarint(r.data)
	if r.err != nil || size <= 0 {
		r.fail(errSnapshotShort)
		return 0
	}
	r.data = r.data[size:]
	return n
}

// below reads a number that is less than bound.
func (r *snapshotReader) below(bound uint64) uint64 {
	n := r.number()
	if n >= bound {
		r.fail(errSnapshotValue)
		return 0
	}
	return n
}

// count reads how many items follow, of which each has at least so many bytes: no more than there can be.
func (r *snapshotReader) count(itemBytes int) int {
	n := r.number()
	if n > uint64(len(r.data)/itemBytes) {
		r.fail(errSnapshotShort)
		return 0
	}
	return int(n)
}

func (r *snapshotReader) text() []byte { return r.bytes(r.number()) }

func (r *snapshotReader) amount() money.Amount {
	hi := r.number()
	return money.FromWords(hi, r.number())
}

func (r *snapshotReader) sums() sums {
	debits := r.amount()
	return sums{debits, r.amount()}
}

func (r *snapshotReader) limits(flags byte) Limits {
	var own Limits
	if flags&hasMinimum != 0 {
		own.Min = r.signed()
	}
	if flags&hasMaximum != 0 {
		own.Max = r.signed()
	}
	return own
}

func (r *snapshotReader) signed() *money.Signed {
	negative := r.byte() == 1
	s := money.NewSigned(negative, r.amount())
	return &s
}
