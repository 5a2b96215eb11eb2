package queries_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

var (
	someAccounts = []string{"assets:cash", "assets:bank", "assets:cash-box", "assets:bank:ä/b c", "income:sales", "world", "users:1", "users:2:a"}
	someAssets   = []string{"USD/2", "EUR/2", "JPY"}
	// Few days and few instants within them, so that ties and late entries are common, and one far in the past.
	someMoments = []string{
		"2026-01-01T00:00:00Z", "2026-01-01T12:00:00.000000001Z", "2026-01-01T23:59:59.999999999Z", "2026-01-02T00:00:00Z",
		"2026-01-02T08:00:00Z", "2026-02-15T08:00:00Z", "0900-05-05T05:05:05Z", "2400-05-05T05:05:05Z",
	}
	someBounds = append([]string{"", "2026-01-01", "2026-01-02", "2026-01-31", "0900-05-05", "0899-01-01", "2026-01-01T12:00:00Z"}, someMoments...)
)

// randomWorld has a history of which the projections know different parts. It gives the revision that all know.
func randomWorld(t *testing.T, rt *rapid.T) (w *world, known uint64) {
	w = newWorld(t)
	w.open("main")
	for range rapid.IntRange(0, 3).Draw(rt, "bursts") {
		w.burst(rt)
		w.project(rapid.SampledFrom([]string{"accounts", "entries", "transactions"}).Draw(rt, "project"))
	}
	for range rapid.IntRange(0, 25).Draw(rt, "posts") {
		n := rapid.IntRange(1, 3).Draw(rt, "transfers")
		var post ledger.PostTransaction
		for range n {
			amount := rapid.SampledFrom([]string{"1", "7", "100", "12345678901234567890123"}).Draw(rt, "amount")
			from := rapid.SampledFrom(someAccounts).Draw(rt, "from")
			to := rapid.SampledFrom(someAccounts).Draw(rt, "to")
			part := transfer(from, to, rapid.SampledFrom(someAssets).Draw(rt, "asset"), amount, rapid.SampledFrom(someMoments).Draw(rt, "at"))
			post.Entries = append(post.Entries, part.Entries...)
			post.EffectiveAt = part.EffectiveAt
		}
		post.Description = fmt.Sprint("about ", len(w.events["main"]))
		w.happen(rt, post)
		switch rapid.IntRange(0, 5).Draw(rt, "project") {
		case 0:
			w.project("accounts")
		case 1:
			w.project("entries")
		case 2:
			w.project("transactions")
		}
	}
	if rapid.Bool().Draw(rt, "late burst") {
		w.burst(rt)
	}
	if rapid.Bool().Draw(rt, "all") {
		w.project()
	}
	w.project("ledgers")
	for _, m := range w.models {
		if m.next["main"] == 0 { // the ledger would be unknown
			w.apply(m, "main", w.events["main"][:1])
		}
	}
	return w, w.leastKnown()
}

// burst posts so much between two accounts that their chains of entries get several marks: some of it at the same instants,
// some late, some several times in one transaction.
func (w *world) burst(rt *rapid.T) {
	asset := rapid.SampledFrom(someAssets).Draw(rt, "asset of burst")
	together := rapid.IntRange(1, 100).Draw(rt, "at one instant")
	lateness := rapid.IntRange(2, 60).Draw(rt, "between late ones")
	crowd := rapid.IntRange(1, 70).Draw(rt, "most transfers")
	step := rapid.SampledFrom([]time.Duration{1, time.Hour, 20 * time.Hour}).Draw(rt, "step")
	start := boundOf(rapid.SampledFrom(someMoments[:3]).Draw(rt, "start"), false)
	for i := range rapid.IntRange(1, 200).Draw(rt, "burst") {
		at := start.Add(time.Duration(i/together) * step)
		if i%lateness == lateness-1 {
			at = start.Add(time.Duration(i/together/2) * step)
		}
		transfers := 1
		if i%9 == 8 {
			transfers = crowd
		}
		var post ledger.PostTransaction
		for range transfers {
			part := transfer("assets:cash", "world", asset, fmt.Sprint(1+i%5), at.Format(time.RFC3339Nano))
			post.Entries, post.EffectiveAt = append(post.Entries, part.Entries...), part.EffectiveAt
		}
		post.Description = fmt.Sprint("about ", len(w.events["main"]))
		w.try("main", post)
	}
}

// aBound is a bound of effective times, about as often as not one that some transaction has.
func (w *world) aBound(rt *rapid.T, label string) string {
	if rapid.Bool().Draw(rt, label+" is of a transaction") {
		e := rapid.SampledFrom(w.events["main"]).Draw(rt, label+" of")
		if posted, ok := e.Body.(ledger.TransactionPosted); ok {
			return posted.EffectiveAt.Format(time.RFC3339Nano)
		}
	}
	return rapid.SampledFrom(someBounds).Draw(rt, label)
}

// Around the number of entries to a mark of a chain, and well below it and above.
var someLimits = []int{1, 2, 3, 5, 50, 63, 64, 65, 127, 128, 129, 300, 1000}

// happen posts a transaction in one of the ways in which entries come about, if the ledger lets it.
func (w *world) happen(rt *rapid.T, post ledger.PostTransaction) {
	book := w.books["main"]
	switch rapid.IntRange(0, 9).Draw(rt, "way") {
	case 0:
		if last := book.Transactions(); last > 0 {
			revert := w.revert("main", rapid.Uint64Range(1, last).Draw(rt, "reverted"))
			revert.EffectiveAt, revert.Late = post.EffectiveAt, ledger.RerouteLate
			w.try("main", revert)
		}
	case 1:
		through := rapid.SampledFrom([]string{"2025-12-31", "2026-01-01", "2026-01-02"}).Draw(rt, "through")
		if !w.try("main", ledger.ClosePeriod{Through: day(through)}) {
			w.try("main", ledger.ReopenPeriod{Through: day(through)})
		}
	case 2:
		if w.try("main", ledger.PlaceHold{Movement: post.Movement}) {
			w.try("main", ledger.CaptureHold{ID: book.Holds(), Movement: ledger.Movement{EffectiveAt: post.EffectiveAt, Late: ledger.RerouteLate}})
		}
	case 3:
		post.Late = ledger.RerouteLate
		w.try("main", post)
	default:
		w.try("main", post)
	}
}

// leastKnown is the revision that what balances and statements are made of has reached.
func (w *world) leastKnown() uint64 {
	known := w.head("main")
	for _, name := range []string{"accounts", "entries", "transactions"} {
		known = min(known, w.models[name].next["main"]-1)
	}
	return known
}

func boundOf(text string, last bool) time.Time {
	moment, date := text, false
	if len(text) == len(time.DateOnly) {
		moment, date = text+"T00:00:00Z", true
	}
	at, err := time.Parse(time.RFC3339Nano, moment)
	if err != nil {
		panic(err)
	}
	if date && last {
		at = at.Add(24*time.Hour - 1)
	}
	return at
}

func TestBalancesAgreeWithTheEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, known := randomWorld(t, rt)
		for range 12 {
			query := url.Values{}
			upTo, revision := ever, known
			if at := w.aBound(rt, "at"); at != "" {
				query.Set("at", at)
				upTo = boundOf(at, true)
			}
			if rapid.Bool().Draw(rt, "as of") {
				revision = rapid.Uint64Range(0, known).Draw(rt, "revision")
				query.Set("as_of_revision", fmt.Sprint(revision))
			}
			pattern := rapid.SampledFrom([]string{"", "**", "assets:**", "assets:*", "assets:cash", "*:*:*", "users:*:a", "*"}).Draw(rt, "account")
			query.Set("account", pattern)
			by := rapid.SampledFrom([]string{"", "account", "none", "depth:1", "depth:2"}).Draw(rt, "group by")
			query.Set("group_by", by)
			group := map[string]func(address.Address) string{
				"":        accountItself,
				"account": accountItself,
				"none":    func(address.Address) string { return "" },
				"depth:1": func(a address.Address) string { return string(a.Prefix(1)) },
				"depth:2": func(a address.Address) string { return string(a.Prefix(2)) },
			}[by]

			var got wire.Balances
			w.get("/ledgers/main/balances?" + query.Encode()).at(revision).ok(&got)
			want := wire.Balances{
				Balances: w.known("main", revision).balances(upTo, address.Pattern(pattern), group), Revision: revision,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("%s: -want +got\n%s", query.Encode(), diff)
			}
		}
	})
}

func TestStatementsAgreeWithTheEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, known := randomWorld(t, rt)
		for range 6 {
			at := rapid.SampledFrom(append([]string{"assets:cash", "world"}, someAccounts...)).Draw(rt, "account")
			asset := rapid.SampledFrom(append([]string{""}, someAssets...)).Draw(rt, "asset")
			from, to := w.aBound(rt, "from"), w.aBound(rt, "to")
			revision := known
			query := url.Values{"asset": {asset}, "from": {from}, "to": {to}}
			if rapid.Bool().Draw(rt, "as of") {
				revision = rapid.Uint64Range(0, known).Draw(rt, "revision")
				query.Set("as_of_revision", fmt.Sprint(revision))
			}
			upTo := ever
			if to != "" {
				upTo = boundOf(to, true)
			}
			if at := w.aBound(rt, "at"); at != "" && rapid.Bool().Draw(rt, "up to") {
				query.Set("at", at)
				if last := boundOf(at, true); last.Before(upTo) {
					upTo = last
				}
			}
			n := w.known("main", revision)
			if n.accountType(address.Address(at)) == "" {
				w.get("/ledgers/main/accounts/"+url.PathEscape(at)+"/entries?"+query.Encode()).fails(404, "account_not_found")
				continue
			}
			want := n.statement(address.Address(at), func(l naiveLine) bool {
				effective := l.transaction.EffectiveAt
				return (asset == "" || l.entry.Asset == money.Asset(asset)) &&
					(from == "" || !effective.Before(boundOf(from, false))) && !effective.After(upTo)
			})
			since := time.Time{}
			if from != "" {
				since = boundOf(from, false)
			}
			opening, closing := n.ends(address.Address(at), since, upTo, asset)
			limit := rapid.SampledFrom(someLimits).Draw(rt, "limit")
			query.Set("limit", fmt.Sprint(limit))
			got := []wire.StatementLine{}
			for pages := 0; ; pages++ {
				var p wire.Statement
				w.get("/ledgers/main/accounts/" + url.PathEscape(at) + "/entries?" + query.Encode()).at(revision).ok(&p)
				if diff := cmp.Diff([][]wire.AssetBalance{opening, closing}, [][]wire.AssetBalance{p.Opening, p.Closing}); diff != "" {
					rt.Fatalf("%s %s: the ends on page %d: -want +got\n%s", at, query.Encode(), pages, diff)
				}
				if len(p.Data) > limit || len(p.Data) < limit && p.NextCursor != nil {
					rt.Fatalf("a page of %d lines, limit %d", len(p.Data), limit)
				}
				got = append(got, p.Data...)
				if p.NextCursor == nil {
					break
				}
				query.Set("cursor", *p.NextCursor)
				if rapid.Bool().Draw(rt, "write meanwhile") {
					w.try("main", transfer(at, "world", "USD/2", "5", rapid.SampledFrom(someMoments).Draw(rt, "late")))
					w.project()
				}
			}
			ignored := cmpopts.IgnoreFields(wire.StatementLine{}, "RecordedAt", "Reference")
			if diff := cmp.Diff(want, got, ignored); diff != "" {
				rt.Fatalf("%s %s: -want +got\n%s", at, query.Encode(), diff)
			}
			known = w.leastKnown()
		}
	})
}

func TestTransactionsAgreeWithTheEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := randomWorld(t, rt)
		for range 6 {
			query := url.Values{}
			account := rapid.SampledFrom([]string{"", "assets:cash", "users:**", "nobody", "world"}).Draw(rt, "account")
			from, to := w.aBound(rt, "from"), w.aBound(rt, "to")
			text := rapid.SampledFrom([]string{"", "BOUT 1", "1"}).Draw(rt, "q")
			limit := rapid.SampledFrom(someLimits).Draw(rt, "limit")
			query.Set("account", account)
			query.Set("from", from)
			query.Set("to", to)
			query.Set("q", text)
			query.Set("limit", fmt.Sprint(limit))
			known := w.models["transactions"].next["main"] - 1
			if account != "" && !strings.Contains(account, "*") {
				known = min(known, w.models["entries"].next["main"]-1)
			}

			want := []uint64{}
			for _, e := range slices.Backward(w.known("main", known).events) {
				posted, ok := e.body.(ledger.TransactionPosted)
				if ok && (account == "" || slices.ContainsFunc(posted.Entries, func(e ledger.Entry) bool { return address.Pattern(account).Match(e.Account) })) &&
					(from == "" || !posted.EffectiveAt.Before(boundOf(from, false))) && (to == "" || !posted.EffectiveAt.After(boundOf(to, true))) &&
					strings.Contains(strings.ToUpper(posted.Description), text) {
					want = append(want, posted.ID)
				}
			}
			got := []uint64{}
			for {
				var p wire.Page[wire.Transaction]
				w.get("/ledgers/main/transactions?" + query.Encode()).at(known).ok(&p)
				for _, t := range p.Data {
					got = append(got, t.ID)
				}
				if p.NextCursor == nil {
					break
				}
				query.Set("cursor", *p.NextCursor)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("%s: -want +got\n%s", query.Encode(), diff)
			}
		}
	})
}
