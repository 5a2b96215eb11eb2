package ledger

import (
	"fmt"
)

// Encoded is an event as the log keeps it.
type Encoded struct {
	// Type is the event's name, that of its Go type.
	Type string
	// Version is that of the type's JSON form, from 1.
	Version int
	// Data is the event in JSON.
	Data []byte
}

// The names of events in the log. They never change, whatever becomes of the Go types.
const (
	ledgerOpenedName      = "LedgerOpened"
	accountOpenedName     = "AccountOpened"
	transactionPostedName = "TransactionPosted"
)

// Encode writes an event in the newest version of its form. The same event always gives the same bytes: fields in a
// fixed order, empty ones left out, metadata in order of its keys. It fails on text that is not UTF-8 and on times that
// RFC 3339 cannot express; neither comes out of [Decide] for a command that [Validate] accepts.
func Encode(e Event) (Encoded, error) {
	data, err := AppendData(nil, e)
	if err != nil {
		return Encoded{}, err
	}
	name, version := TypeOf(e)
	return Encoded{Type: name, Version: version, Data: data}, nil
}

// TypeOf gives the name and version under which an event is written.
func TypeOf(e Event) (name string, version int) {
	switch e.(type) {
	case LedgerOpened:
		return ledgerOpenedName, 1
	case AccountOpened:
		return accountOpenedName, 1
	case TransactionPosted:
		return transactionPostedName, 1
	default:
		panic(fmt.Sprintf("ledger: encode a %T", e)) // the set is closed
	}
}

// AppendData appends the event's JSON to b: what Encode gives as Data, without making memory for it.
func AppendData(b []byte, e Event) ([]byte, error) {
	w := writer{b: b}
	switch e := e.(type) {
	case LedgerOpened:
		w.ledgerOpened(&e)
	case AccountOpened:
		w.accountOpened(&e)
	case TransactionPosted:
		w.transactionPosted(&e)
	default:
		panic(fmt.Sprintf("ledger: encode a %T", e)) // the set is closed
	}
	if w.err != nil {
		return nil, fmt.Errorf("encode a %T: %w", e, w.err)
	}
	return w.b, nil
}

// Decode reads an event of any version that was ever written. It is strict: it refuses types, versions and fields that
// it does not know, fields that are missing or there twice, and values of another kind than the field has.
func Decode(name string, version int, data []byte) (Event, error) {
	if version != 1 {
		return nil, fmt.Errorf("decode a %s: version %d is not known", name, version)
	}
	r := newReader(data)
	var e Event
	switch name {
	case ledgerOpenedName:
		e = r.ledgerOpened()
	case accountOpenedName:
		e = r.accountOpened()
	case transactionPostedName:
		e = r.transactionPosted()
	default:
		return nil, fmt.Errorf("decode an event: type %q is not known", name)
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("decode a %s: %w", name, err)
	}
	return e, nil
}
