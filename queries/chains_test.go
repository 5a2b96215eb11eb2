package queries_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// lines reads a whole statement in pages.
func (w *world) lines(query string, limit int) (lines []wire.StatementLine, pages int) {
	w.Helper()
	cursor := ""
	for {
		var p wire.Statement
		w.get(fmt.Sprintf("/ledgers/main/accounts/users:1/entries?limit=%d%s%s", limit, query, cursor)).ok(&p)
		lines, pages = append(lines, p.Data...), pages+1
		if p.NextCursor == nil {
			return lines, pages
		}
		cursor = "&cursor=" + *p.NextCursor
	}
}

func (w *world) postMany(n int, asset string, at func(i int) time.Time) {
	w.Helper()
	var posts []ledger.Command
	for i := range n {
		posts = append(posts, transfer("world", "users:1", asset, "1", at(i).Format(time.RFC3339Nano)))
	}
	w.do("main", posts...)
	w.project()
}

func TestPagesOfAStatementMeetTheMarksOfAChain(t *testing.T) {
	january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, entries := range []int{63, 64, 65, 128, 192, 193} {
		w := newWorld(t)
		w.open("main")
		w.postMany(entries, "USD/2", func(i int) time.Time { return january.Add(time.Duration(i/50) * time.Hour) })
		for _, limit := range []int{1, 63, 64, 65, 128, 1000} {
			lines, pages := w.lines("", limit)
			for i, line := range lines {
				if line.BalanceAfter != fmt.Sprint(i+1) {
					t.Fatalf("line %d of %d, %d a page: %+v", i, entries, limit, line)
				}
			}
			if len(lines) != entries || pages != (entries+limit-1)/limit {
				t.Errorf("%d lines of %d on %d pages of %d", len(lines), entries, pages, limit)
			}
		}
	}
}

// What came later may have marks that are effective before all that was known.
func TestAPageOfThePastIsNotCutShortByLaterMarks(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.postMany(10, "USD/2", func(int) time.Time { return day.AddDate(0, 1, 0) })
	known := w.head("main")
	w.postMany(300, "EUR/2", func(int) time.Time { return day })
	if lines, _ := w.lines(fmt.Sprintf("&as_of_revision=%d", known), 50); len(lines) != 10 {
		t.Errorf("%d lines", len(lines))
	}
	if lines, pages := w.lines("", 50); len(lines) != 310 || pages != 7 {
		t.Errorf("%d lines on %d pages", len(lines), pages)
	}
}

// A chain that moves little is not read far for the sake of one that moves much, and all the same no line is passed over.
func TestAStatementOfChainsOfAllLengths(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, entries := range []int{1000, 200, 70, 64, 3} {
		w.postMany(entries, fmt.Sprintf("A%d", i), func(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) })
	}
	w.postMany(100, "A0", func(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) }) // late, all of them
	for _, limit := range []int{7, 100, 1000} {
		lines, _ := w.lines("", limit)
		balances := make(map[string]int)
		for i, line := range lines {
			balances[line.Asset]++
			if line.BalanceAfter != fmt.Sprint(balances[line.Asset]) || i > 0 && line.EffectiveAt.Before(lines[i-1].EffectiveAt) {
				t.Fatalf("line %d, %d a page: %+v", i, limit, line)
			}
		}
		if len(lines) != 1437 {
			t.Errorf("%d lines, %d a page", len(lines), limit)
		}
	}
}
