package main

import (
	"fmt"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
)

// numbers are how many transactions and holds an export has made so far: the last of each has that number there.
type numbers struct{ transactions, holds uint64 }

// numberOf gives the number of what a command made.
func numberOf(accepted *client.Accepted) uint64 {
	switch {
	case accepted.Transaction != nil:
		return accepted.Transaction.ID
	case accepted.Hold != nil:
		return accepted.Hold.ID
	default:
		return 0
	}
}

// count counts what a command made, now or before. Of an export it has to have the number that it has there: commands that
// come later name it so. It has another one where the ledger was changed by others, or by an earlier export.
func (s *sender) count(it *item, number uint64, now bool) error {
	posts := it.posts()
	_, places := it.command.(ledger.PlaceHold)
	switch {
	case posts && now:
		s.imported++
	case posts:
		s.present++
	}
	if s.numbers == nil || !posts && !places {
		return nil
	}
	what, wanted := "transaction", &s.numbers.transactions
	if places {
		what, wanted = "hold", &s.numbers.holds
	}
	if *wanted++; *wanted != number {
		return fmt.Errorf("%s: %s %d of the export is %d in this ledger, and what the export says of it by number would be wrong; "+
			"import it into a ledger of its own", it.at, what, *wanted, number)
	}
	return nil
}
