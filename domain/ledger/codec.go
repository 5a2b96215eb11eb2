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

	holdPlacedName   = "HoldPlaced"
	holdCapturedName = "HoldCaptured"
	holdVoidedName   = "HoldVoided"
	holdExpiredName  = "HoldExpired"

	chartReplacedName          = "ChartReplaced"
	accountClosedName          = "AccountClosed"
	accountReopenedName        = "AccountReopened"
	accountMetadataSetName     = "AccountMetadataSet"
	transactionMetadataSetName = "TransactionMetadataSet"
	periodClosedName           = "PeriodClosed"
	periodReopenedName         = "PeriodReopened"
	assertionDeclaredName      = "AssertionDeclared"
	assertionHeldName          = "AssertionHeld"
	assertionBrokenName        = "AssertionBroken"
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
	case HoldPlaced:
		return holdPlacedName, 1
	case HoldCaptured:
		return holdCapturedName, 1
	case HoldVoided:
		return holdVoidedName, 1
	case HoldExpired:
		return holdExpiredName, 1
	case ChartReplaced:
		return chartReplacedName, 1
	case AccountClosed:
		return accountClosedName, 1
	case AccountReopened:
		return accountReopenedName, 1
	case AccountMetadataSet:
		return accountMetadataSetName, 1
	case TransactionMetadataSet:
		return transactionMetadataSetName, 1
	case PeriodClosed:
		return periodClosedName, 1
	case PeriodReopened:
		return periodReopenedName, 1
	case AssertionDeclared:
		return assertionDeclaredName, 1
	case AssertionHeld:
		return assertionHeldName, 1
	case AssertionBroken:
		return assertionBrokenName, 1
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
	case HoldPlaced:
		w.holdPlaced(&e)
	case HoldCaptured:
		w.holdCaptured(&e)
	case HoldVoided:
		w.holdEnded(e.ID, e.Reason, &e.HoldOrigin)
	case HoldExpired:
		w.holdEnded(e.ID, "", &e.HoldOrigin)
	case ChartReplaced:
		w.chartReplaced(&e)
	case AccountClosed:
		w.accountClosed(&e)
	case AccountReopened:
		w.accountClosed((*AccountClosed)(&e))
	case AccountMetadataSet:
		w.accountMetadataSet(&e)
	case TransactionMetadataSet:
		w.transactionMetadataSet(&e)
	case PeriodClosed:
		w.periodClosed(&e)
	case PeriodReopened:
		w.periodReopened(&e)
	case AssertionDeclared:
		w.assertionDeclared(&e)
	case AssertionHeld:
		w.assertionHeld(&e)
	case AssertionBroken:
		w.assertionHeld((*AssertionHeld)(&e))
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
	case holdPlacedName:
		e = r.holdPlaced()
	case holdCapturedName:
		e = r.holdCaptured()
	case holdVoidedName:
		id, reason, origin := r.holdEnded(true)
		e = HoldVoided{ID: id, Reason: reason, HoldOrigin: origin}
	case holdExpiredName:
		id, _, origin := r.holdEnded(false)
		e = HoldExpired{ID: id, HoldOrigin: origin}
	case chartReplacedName:
		e = r.chartReplaced()
	case accountClosedName:
		e = r.accountClosed()
	case accountReopenedName:
		e = AccountReopened(r.accountClosed())
	case accountMetadataSetName:
		e = r.accountMetadataSet()
	case transactionMetadataSetName:
		e = r.transactionMetadataSet()
	case periodClosedName:
		e = r.periodClosed()
	case periodReopenedName:
		e = r.periodReopened()
	case assertionDeclaredName:
		e = r.assertionDeclared()
	case assertionHeldName:
		e = r.assertionHeld()
	case assertionBrokenName:
		e = AssertionBroken(r.assertionHeld())
	default:
		return nil, fmt.Errorf("decode an event: type %q is not known", name)
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("decode a %s: %w", name, err)
	}
	return e, nil
}
