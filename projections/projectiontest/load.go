package projectiontest

import (
	"context"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Load appends what a benchmark does: a ledger of wallets with so many accounts, and transfers between random pairs.
func (h *History) Load(ctx context.Context, accounts, transactions int) error {
	b := h.ledgers[0]
	chart, _ := ledger.Wallets.Chart()
	events := []ledger.Event{ledger.LedgerOpened{Name: b.name, Template: ledger.Wallets, Chart: chart}}
	for i := range accounts {
		account := address.Address(fmt.Sprintf("users:%08d:wallet", i))
		b.accounts = append(b.accounts, account)
		events = append(events, ledger.AccountOpened{Address: account, Type: ledger.Liability, Implicit: true})
	}
	h.Model = nil
	if err := h.append(ctx, b, events); err != nil {
		return err
	}
	const appended = 1000
	for left := transactions; left > 0; left -= appended {
		events = events[:0]
		for range min(left, appended) {
			b.transactions++
			from, to := b.accounts[h.random.IntN(accounts)], b.accounts[h.random.IntN(accounts)]
			amount := money.NewAmount(1 + h.random.Uint64N(10_000))
			events = append(events, ledger.TransactionPosted{
				ID: b.transactions, EffectiveAt: h.clock.Add(time.Duration(b.transactions) * time.Millisecond),
				Entries: []ledger.Entry{
					{Account: from, Asset: "USD/2", Side: ledger.Debit, Amount: amount},
					{Account: to, Asset: "USD/2", Side: ledger.Credit, Amount: amount},
				},
			})
		}
		if err := h.append(ctx, b, events); err != nil {
			return err
		}
	}
	return nil
}
