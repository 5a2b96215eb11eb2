package ledger

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
)

// maxPatch is how many keys a patch may name: it can take all there are away and put as many in their place.
const maxPatch = 2 * maxKeys

// AccountMetadata gives those of an account: nil where it has none, or does not exist.
func (b *Book) AccountMetadata(a address.Address) Metadata {
	number, found := b.findAccount(a)
	if !found {
		return nil
	}
	return b.accountMetadata(number).metadata()
}

// TransactionMetadata gives those of a transaction, if they were changed after it was posted.
func (b *Book) TransactionMetadata(id uint64) (m Metadata, changed bool) {
	at, changed := b.patches.find(id)
	if !changed {
		return nil, false
	}
	return b.patches.list.at(at).metadata.metadata(), true
}

func (b *Book) decideSetAccountMetadata(c SetAccountMetadata) ([]Event, *Rejection) {
	number, rejection := b.existing(c.Address)
	if rejection != nil {
		return nil, rejection
	}
	after, rejection := c.Patch.apply(b.accountMetadata(number).metadata())
	if rejection != nil {
		return nil, rejection
	}
	return []Event{AccountMetadataSet{Address: c.Address, Metadata: after}}, nil
}

func (b *Book) decideSetTransactionMetadata(c SetTransactionMetadata) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if c.ID == 0 || c.ID > b.transactions {
		return nil, &Rejection{
			Code:        TransactionNotFound,
			Transaction: c.ID,
			Detail:      fmt.Sprintf("the ledger has no transaction %d; its last one is %d", c.ID, b.transactions),
		}
	}
	before := c.Original
	if at, found := b.patches.find(c.ID); found {
		before = b.patches.list.at(at).metadata.metadata()
	}
	after, rejection := c.Patch.apply(before)
	if rejection != nil {
		return nil, rejection
	}
	return []Event{TransactionMetadataSet{ID: c.ID, Metadata: after}}, nil
}

// apply merges the patch into metadata, which stay as they are.
func (p MetadataPatch) apply(before Metadata) (Metadata, *Rejection) {
	after := maps.Clone(before)
	for key, value := range p {
		switch {
		case value == nil:
			delete(after, key)
		case after == nil:
			after = Metadata{key: *value}
		default:
			after[key] = *value
		}
	}
	if len(after) > maxKeys {
		return nil, &Rejection{
			Code:   InvalidField,
			Detail: fmt.Sprintf("the metadata would have %d keys, and may have %d; remove some with null", len(after), maxKeys),
			Fields: []Field{{"/metadata", fmt.Sprintf("want at most %d keys together with those that are there", maxKeys)}},
		}
	}
	if len(after) == 0 {
		return nil, nil
	}
	return after, nil
}

func (b *Book) evolveAccountMetadataSet(e AccountMetadataSet) error {
	number, found := b.findAccount(e.Address)
	if !found {
		return fmt.Errorf("set the metadata of account %q: it is not open", e.Address)
	}
	b.keepAccountMetadata(number, pack(e.Metadata))
	return nil
}

func (b *Book) evolveTransactionMetadataSet(e TransactionMetadataSet) error {
	if e.ID == 0 || e.ID > b.transactions {
		return fmt.Errorf("set the metadata of transaction %d: the last one is %d", e.ID, b.transactions)
	}
	b.keepTransactionMetadata(e.ID, pack(e.Metadata))
	return nil
}

// packed is metadata in one piece of memory, as a book keeps them: each key, in order, and its value, with their
// lengths. Equal metadata have equal forms; none are the empty text.
type packed string

func pack(m Metadata) packed {
	if len(m) == 0 {
		return ""
	}
	var data []byte
	for _, key := range m.keys() {
		data = appendText(appendText(data, key), m[key])
	}
	return packed(data)
}

func appendText(data []byte, s string) []byte {
	return append(binary.AppendUvarint(data, uint64(len(s))), s...)
}

// metadata gives what was packed, in memory of its own.
func (p packed) metadata() Metadata {
	if p == "" {
		return nil
	}
	m := Metadata{}
	for rest := string(p); rest != ""; {
		var key, value string
		key, rest, _ = cutText(rest)
		value, rest, _ = cutText(rest)
		m[strings.Clone(key)] = strings.Clone(value)
	}
	return m
}

// well tells whether a text from a snapshot is what pack could have made.
func (p packed) well() bool {
	previous, first := "", true
	for rest := string(p); rest != ""; {
		var key string
		var ok, okay bool
		key, rest, ok = cutText(rest)
		_, rest, okay = cutText(rest)
		if !ok || !okay || !first && key <= previous {
			return false
		}
		previous, first = key, false
	}
	return true
}

func cutText(s string) (text, rest string, ok bool) {
	n, size := binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
	if size <= 0 || n > uint64(len(s)-size) {
		return "", "", false
	}
	return s[size : size+int(n)], s[size+int(n):], true
}

// keys gives the keys of a patch in order.
func (p MetadataPatch) keys() []string { return slices.Sorted(maps.Keys(p)) }

func (f *faults) metadataPatch(p MetadataPatch) {
	if len(p) > maxPatch {
		f.addf("/metadata", "want at most %d keys", maxPatch)
		return
	}
	set := Metadata{}
	for _, key := range p.keys() {
		if value := p[key]; value != nil {
			f.metadata(Metadata{key: *value})
			set[key] = *value
		}
	}
	if len(set) > maxKeys {
		f.addf("/metadata", "want at most %d keys", maxKeys)
	}
}
