package main

import (
	"reflect"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// leaveOut counts what a journal does not say of an event. What is no longer in force at the end is no loss.
func (w *journalWriter) leaveOut(event ledger.Event) {
	lost := func(what string, is bool) {
		if is {
			w.lost.add(what, 1)
		}
	}
	switch e := event.(type) {
	case ledger.LedgerOpened:
		chart, _ := w.end.Chart()
		usual, _ := ledger.General.Chart()
		_, closed := w.end.Closed()
		lost("the chart", !reflect.DeepEqual(chart, usual))
		lost("metadata of the ledger", len(e.Metadata) > 0)
		lost("closed days", closed)
	case ledger.AccountOpened:
		lost("limits of accounts", e.Limits != ledger.Limits{})
		account, _ := w.end.Account(e.Address)
		lost("metadata of accounts", len(w.end.AccountMetadata(e.Address)) > 0)
		lost("that accounts are closed", account.Closed)
	case ledger.TransactionPosted:
		lost("that transactions are reversals, and why", e.Reverts != 0)
		lost("that transactions capture holds", e.Hold != 0)
		lost("that transactions were moved out of closed days", !e.IntendedAt.IsZero())
	case ledger.HoldPlaced:
		hold, _ := w.end.Hold(e.ID)
		lost("open holds", hold.Status == ledger.StatusOpen)
	case ledger.AssertionDeclared:
		lost("assertions", true)
	}
}
