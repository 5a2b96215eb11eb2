package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

var (
	errSnapshotShort   = errors.New("it ends early")
	errSnapshotVersion = errors.New("it has another version")
	errSnapshotValue   = errors.New("it has a value that cannot be")
)

// RestoreSnapshot gives the book whose snapshot it is.
func RestoreSnapshot(data []byte) (*Book, error) {
	r := snapshotReader{data: data}
	b := NewBook()
	if r.byte() != SnapshotVersion {
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
	b.accountIndex.reserve(n)
	for range n {
		a, err := address.Parse(string(r.text()))
		flags := r.byte()
		rule := uint32(r.below(uint64(len(b.matcher.rules))+1)) - 1
		own := r.limits(flags)
		kind := kind(flags & kindBits)
		if err != nil || int(kind) >= len(kinds) || flags > hasMetadata*2-1 {
			r.fail(errSnapshotValue)
		}
		if _, twice := b.findAccount(a); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addAccount(a, rule, kind, own)
		number := b.accounts.len() - 1
		b.accounts.edit(number).closed = flags&isClosed != 0
		if flags&hasMetadata != 0 {
			m := r.metadata()
			r.must(m != "")
			b.keepAccountMetadata(number, m)
		}
	}
}

func (r *snapshotReader) holdings(b *Book) {
	n := r.count(6)
	b.holdingIndex.reserve(n)
	for range n {
		account := uint32(r.below(uint64(b.accounts.len())))
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
	n := r.count(2)
	b.references.newest().index.reserve(n)
	for range n {
		text, owner := string(r.text()), owner(r.number())
		if _, twice := b.findReference(text); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addReference(text, owner)
	}
}

// snapshotReader reads what a snapshot is made of: after its first error everything it gives is zero.
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
