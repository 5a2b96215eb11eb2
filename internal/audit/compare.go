package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// ReadModels are the balances that the read models have, all of one moment.
type ReadModels interface {
	// Revisions are those of the last event that they have, by ledger.
	Revisions(ctx context.Context) (map[string]uint64, error)
	// Balances yields those of a ledger, each once, in any order.
	Balances(ctx context.Context, ledger string) iter.Seq2[ledger.Balance, error]
	Close() error
}

// compare compares the books with the read models. These are read after the log, so that they often have more than was
// read: the log is followed up to there.
func (v *verifier) compare(ctx context.Context) (err error) {
	models, err := v.options.ReadModels(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, models.Close()) }()
	revisions, err := models.Revisions(ctx)
	if err != nil {
		return fmt.Errorf("read how far the read models are: %w", err)
	}
	if one := v.options.Ledger; one != "" {
		maps.DeleteFunc(revisions, func(name string, _ uint64) bool { return name != one })
	}
	v.until = revisions
	if err := v.follow(ctx); err != nil || v.unreadable {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(revisions)) {
		if v.trails[name] == nil {
			v.report.found(at(name, 0, revisions[name], "the read models have it, and the log does not"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.trails)) {
		t := v.trails[name]
		revision, found := revisions[name]
		switch {
		case !found:
			t.compared = None
		case revision >= t.next:
			t.compared = Ahead
			v.report.found(at(t.ledger, t.next, revision, "the read models have it, and the log does not"))
		case revision+1 < t.next:
			t.compared = Behind
		case !t.folding:
			t.compared = Unfolded
		default:
			if err := v.compareBalances(ctx, t, models); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareBalances compares the balances of one ledger. One that is zero throughout may be there or not.
func (v *verifier) compareBalances(ctx context.Context, t *trail, models ReadModels) error {
	t.compared = Equal
	differ := func(account, asset any, folded, read ledger.Totals) {
		t.compared = Differ
		v.report.found(&Finding{Ledger: t.ledger, Reason: fmt.Sprintf("at revision %d the read models say of account %q in %s: %s; the log: %s",
			t.next-1, account, asset, totalsText(read), totalsText(folded))})
	}
	unread := 0 // balances of the fold that the read models did not give
	for b := range t.book.Balances() {
		if b.Totals != (ledger.Totals{}) {
			unread++
		}
	}
	for b, err := range models.Balances(ctx, t.ledger) {
		if err != nil {
			return fmt.Errorf(faultModels, t.ledger, err)
		}
		folded := t.book.Totals(b.Account, b.Asset)
		if folded != (ledger.Totals{}) {
			unread--
		}
		if folded != b.Totals {
			differ(b.Account, b.Asset, folded, b.Totals)
		}
	}
	if unread == 0 {
		return nil
	}
	// Only now is it worth remembering which were there.
	there := map[holding]bool{}
	for b, err := range models.Balances(ctx, t.ledger) {
		if err != nil {
			return fmt.Errorf(faultModels, t.ledger, err)
		}
		there[holding{b.Account, b.Asset}] = true
	}
	for b := range t.book.Balances() {
		if b.Totals != (ledger.Totals{}) && !there[holding{b.Account, b.Asset}] {
			differ(b.Account, b.Asset, b.Totals, ledger.Totals{})
		}
	}
	return nil
}

const faultModels = "read the balances of ledger %q in the read models: %w"

func totalsText(t ledger.Totals) string {
	text := fmt.Sprintf("debits %s, credits %s", t.Debits, t.Credits)
	if !t.PendingDebits.IsZero() || !t.PendingCredits.IsZero() {
		text += fmt.Sprintf(", pending %s and %s", t.PendingDebits, t.PendingCredits)
	}
	return text
}
