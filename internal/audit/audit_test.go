package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// shop is a log of three ledgers, with several events in a row of each kind. The first stream is that of "shop", whose
// events 0 to 11 are in the rows 1, 2 and 5.
func shop(t testing.TB) *scribe {
	t.Helper()
	s := newScribe(t)
	s.do("shop", open("shop"), pay("world", "users:alice", 1000), pay("world", "users:bob", 50)) // 0 to 5
	s.do("shop", pay("users:alice", "users:bob", 300))                                           // 6
	s.do("other", open("other"))
	s.do("empty", open("empty"))
	s.do("shop", pay("users:bob", "users:carol", 20), pay("users:carol", "users:bob", 7), pay("users:bob", "users:alice", 1), // 7 to 10
		pay("users:alice", "users:bob", 2)) // 11
	s.do("other", pay("world", "users:x", 5))
	return s
}

// lines are the findings of a report, one a line.
func lines(r *audit.Report) []string {
	var all []string
	for i := range r.Findings {
		all = append(all, r.Findings[i].String())
	}
	return all
}

func TestAnUntouchedLogIsRight(t *testing.T) {
	s := shop(t)
	for _, workers := range []int{1, 2, 7} {
		r := s.verify(audit.Options{Workers: workers})
		if r.Found != 0 || r.Events != 17 || len(r.Ledgers) != 3 || !r.Complete {
			t.Fatalf("%d events of %d ledgers: %v", r.Events, len(r.Ledgers), lines(r))
		}
	}
	r := s.verify(audit.Options{Ledger: "shop"})
	if r.Found != 0 || r.Events != 12 || len(r.Ledgers) != 1 {
		t.Fatalf("of one ledger: %d events of %v: %v", r.Events, r.Ledgers, lines(r))
	}
	w, l := s.books["shop"], r.Ledgers[0]
	if l.Revision != 11 || l.Hash != fmt.Sprintf("%x", w.hash) || l.Accounts != 4 || l.Transactions != 7 || l.ReadModels != audit.NotCompared {
		t.Errorf("the ledger comes to %+v", l)
	}
}

func TestALedgerThatIsNotThere(t *testing.T) {
	log, err := sqlstore.OpenLog(t.Context(), shop(t).path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := audit.Verify(t.Context(), log, audit.Options{Ledger: "shops"}); !errors.Is(err, eventstore.ErrStreamNotFound) {
		t.Errorf("got %v", err)
	}
}

const stream = "ledger-shop"

// Damage of every kind, and the findings that there must be: all of them, in order, each with these words.
func TestWhatIsChangedIsFoundAndNamed(t *testing.T) {
	replace := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
	}
	data := func(revision int64, change func([]byte) []byte) func(*testing.T, *scribe) {
		return func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				r := at(rows, revision)
				r.Data = change(bytes.Clone(r.Data))
				return rows
			})
		}
	}
	metadata := func(revision int64, change func([]byte) []byte) func(*testing.T, *scribe) {
		return func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				r := at(rows, revision)
				r.Metadata = change(bytes.Clone(r.Metadata))
				return rows
			})
		}
	}
	for name, c := range map[string]struct {
		do   func(*testing.T, *scribe)
		want []string
	}{
		"a byte of the data": {data(6, replace(`"300"`, `"301"`)), []string{
			"ledger shop, revision 6: its hash does not cover it", "ledger shop, revision 6: it cannot follow the events before: post transaction 3: unbalanced",
		}},
		"a byte of the data that makes it no event": {data(6, replace(`"300"`, `"3x0"`)), []string{
			"ledger shop, revision 6: its hash does not cover it", "ledger shop, revision 6: its data: ",
		}},
		"a byte of the metadata":                    {metadata(6, replace("anonymous", "anonymouz")), []string{"ledger shop, revision 6: its hash"}},
		"a byte of the metadata that makes it none": {metadata(6, replace(`"actor"`, `"actos"`)), []string{"ledger shop, revision 6: its metadata: "}},
		"a byte of a hash": {metadata(6, func(b []byte) []byte { b[len(b)-3] ^= 1; return b }), []string{
			"ledger shop, revision 6: its hash", "ledger shop, revision 7: it does not continue the chain",
		}},
		"the id of a record": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row { at(rows, 6).ID[3]++; return rows })
		}, []string{"ledger shop, revision 6: the store has it under another id"}},
		"an event, with its hash": {func(t *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				r := at(rows, 6)
				r.Data = replace(`"300"`, `"301"`)(bytes.Replace(r.Data, []byte(`"300"`), []byte(`"301"`), 1))
				reseal(t, stream, 6, r, nil)
				return rows
			})
		}, []string{"ledger shop, revision 7: it does not continue the chain"}},
		"two events of a row are swapped": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				a, b := at(rows, 8), at(rows, 9)
				*a, *b = *b, *a
				return rows
			})
		}, []string{
			"ledger shop, revision 8: its hash", "ledger shop, revision 8: it does not continue the chain", "ledger shop, revision 8: it cannot follow",
			"ledger shop, revision 9: its hash", "ledger shop, revision 9: it does not continue the chain", "ledger shop, revision 9: it was recorded before",
			"ledger shop, revision 10: it does not continue the chain",
		}},
		"one event of a row is dropped": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				rows[0].records = slices.Delete(rows[0].records, 3, 4)
				return rows
			})
		}, []string{
			"ledger shop, revision 3: its hash", "ledger shop, revision 3: it does not continue the chain",
			"ledger shop, revision 4: its hash", "ledger shop, revision 4: it cannot follow", "ledger shop, revision 5: missing",
		}},
		"the only event of a row is dropped": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row { return slices.Delete(rows, 1, 2) })
		}, []string{"row 2 of the log is missing", "ledger shop, revision 6: missing"}},
		"a ledger is removed": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) {
				db.MustExec(`DELETE FROM appends WHERE stream_id = 1`)
				db.MustExec(`DELETE FROM streams WHERE stream_id = 1`)
			})
		}, []string{"rows 1 to 2 of the log are missing", "row 5 of the log is missing"}},
		"a ledger is renamed": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) {
				db.MustExec(`UPDATE streams SET name = 'ledger-empty-2' WHERE name = 'ledger-empty'`)
			})
		}, []string{"ledger empty-2, revision 0: its hash", `ledger empty-2, revision 0: it opens a ledger of another name: "empty"`}},
		"a ledger is renamed so that it is none": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) { db.MustExec(`UPDATE streams SET name = 'shop' WHERE name = 'ledger-shop'`) })
		}, []string{`the stream "shop" is no ledger's`}},
		"two rows change places": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				rows[1].Position, rows[4].Position = rows[4].Position, rows[1].Position
				return rows
			})
		}, []string{"ledger shop, revision 6: missing", "ledger shop, revision 6: it stands behind one that follows it"}},
		"a stream loses its name": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) { db.MustExec(`DELETE FROM streams WHERE name = 'ledger-empty'`) })
		}, []string{"row 4 of the log: no stream has its id"}},
		"an event stands there twice": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				return append(rows, &row{Position: 7, StreamID: 1, First: 8, records: []eventstore.Record{*at(rows, 8)}})
			})
		}, []string{"ledger shop, revision 8: it stands behind one that follows it, or is there twice"}},
		"a time goes back": {func(t *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				reseal(t, stream, 11, at(rows, 11), func(e *envelope.Envelope) { e.RecordedAt = start })
				return rows
			})
		}, []string{"ledger shop, revision 11: it was recorded before"}},
		"the beginning of a chain": {func(t *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				reseal(t, "ledger-empty", 0, &rows[3].records[0], func(e *envelope.Envelope) { e.Previous[0] = 1 })
				return rows
			})
		}, []string{"ledger empty, revision 0: it does not continue the chain"}},
		"an event that nobody knows": {func(t *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row {
				r := at(rows, 11)
				r.Type, r.Data = "LedgerBurnt", []byte(`{}`)
				reseal(t, stream, 11, r, nil)
				return rows
			})
		}, []string{`ledger shop, revision 11: its data: `}},
		"a checksum alone": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) {
				db.MustExec(`UPDATE appends SET payload = CAST(substr(payload, 1, length(payload) - 4) || x'00000000' AS BLOB) WHERE position = 2`)
			})
		}, []string{"ledger shop, revision 6: row 2 of the log: the checksum does not match"}},
		"a row that ends early": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) {
				db.MustExec(`UPDATE appends SET payload = CAST(substr(payload, 1, length(payload) - 300) AS BLOB) WHERE position = 1`)
			})
		}, []string{"ledger shop, revisions 0 to 5: row 1 of the log: the checksum does not match", "ledger shop, revision 5: missing"}},
		"more than its records in a row": {func(_ *testing.T, s *scribe) {
			s.tamper(func(rows []*row) []*row { rows[1].extra = []byte("x"); return rows })
		}, []string{"ledger shop, revision 6: row 2 of the log: 1 bytes after the last record"}},
		"a row without anything": {func(_ *testing.T, s *scribe) {
			s.raw(func(db *sqlx.DB) { db.MustExec(`UPDATE appends SET payload = x'' WHERE position = 5`) })
		}, []string{"ledger shop, revisions 7 to 11: row 5 of the log: a payload of 0 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := shop(t)
			c.do(t, s)
			for _, workers := range []int{1, 3} {
				got := lines(s.verify(audit.Options{Workers: workers}))
				matches := len(got) == len(c.want)
				for i := range min(len(got), len(c.want)) {
					matches = matches && strings.Contains(got[i], c.want[i])
				}
				if !matches {
					t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
				}
			}
		})
	}
}

// Each byte of the file that matters: none can be changed without a finding.
func TestAnyByteOfARowIsNoticed(t *testing.T) {
	s := shop(t)
	s.raw(func(db *sqlx.DB) {
		var payload []byte
		if err := db.Get(&payload, `SELECT payload FROM appends WHERE position = 2`); err != nil {
			t.Fatal(err)
		}
		for i := range payload {
			changed := bytes.Clone(payload)
			changed[i] ^= 0x20
			db.MustExec(`UPDATE appends SET payload = ? WHERE position = 2`, changed)
			r := s.verify(audit.Options{})
			if r.Found == 0 || r.Findings[0].Ledger != "shop" || *r.Findings[0].Revision != 6 {
				t.Fatalf("byte %d was changed: %v", i, lines(r))
			}
		}
	})
}

func TestAFileThatCannotBeReadToItsEnd(t *testing.T) {
	s := newScribe(t)
	s.do("shop", open("shop"))
	for i := range 400 {
		s.do("shop", pay("world", fmt.Sprintf("users:%d", i), 1))
	}
	s.raw(func(db *sqlx.DB) { db.MustExec(`PRAGMA wal_checkpoint(TRUNCATE)`) })
	s.close()
	file, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for page := int64(6); page < 20; page++ {
		if _, err := file.WriteAt(bytes.Repeat([]byte{0xff}, 8192), page*8192); err != nil {
			t.Fatal(err)
		}
	}
	file.Close()
	r := s.verify(audit.Options{})
	if got := lines(r); len(got) != 1 || !strings.Contains(got[0], "nothing after position") || r.Complete || r.Events == 0 {
		t.Errorf("found %q in %d events, complete: %t", got, r.Events, r.Complete)
	}
}

// Findings are counted where they are too many, but each ledger has its first.
func TestTheFirstFindingOfEachLedgerIsKept(t *testing.T) {
	s := shop(t)
	s.tamper(func(rows []*row) []*row {
		for _, revision := range []int64{2, 4, 5, 8} { // of which 4 and 5 are one finding
			at(rows, revision).ID[0]++
		}
		for i := range rows[5].records { // the last row of "other"
			rows[5].records[i].ID[0]++
		}
		return rows
	})
	for _, keep := range []int{1, 2, 3, 20} {
		r := s.verify(audit.Options{Findings: keep})
		got := lines(r)
		if r.Found != 4 || len(got) != min(keep, 3)+1 || !strings.Contains(got[0], "ledger shop, revision 2") || !strings.Contains(got[len(got)-1], "ledger other") {
			t.Errorf("%d found, of at least %d kept: %q", r.Found, keep, got)
		}
		for name, want := range map[string]int{"shop": 3, "other": 1, "empty": 0} {
			i := slices.IndexFunc(r.Ledgers, func(l audit.Ledger) bool { return l.Name == name })
			if r.Ledgers[i].Found != want {
				t.Errorf("%d findings about %s, want %d", r.Ledgers[i].Found, name, want)
			}
		}
	}
}

// What an earlier report has cannot be taken off the end, nor written anew with hashes of its own.
func TestAnEarlierReportIsHeldAgainstTheLog(t *testing.T) {
	sell := pay("users:alice", "users:bob", 100)
	earlier := func() []audit.Ledger {
		s := shop(t)
		s.do("shop", sell)
		s.do("shop", sell)
		return s.verify(audit.Options{}).Ledgers
	}()
	anew := "ledger shop, revision 13: it does not have the hash that an earlier report has"
	for name, c := range map[string]struct {
		then   func(*scribe) // after what "shop" had up to revision 11
		change func([]audit.Ledger)
		only   string
		want   []string
	}{
		"nothing happened":         {then: func(s *scribe) { s.do("shop", sell); s.do("shop", sell) }},
		"more happened":            {then: func(s *scribe) { s.do("shop", sell, sell, sell); s.do("new", open("new")) }},
		"the last event is gone":   {then: func(s *scribe) { s.do("shop", sell) }, want: []string{"ledger shop, revision 13: an earlier report has it"}},
		"the last events are gone": {then: func(*scribe) {}, want: []string{"ledger shop, revisions 12 to 13: an earlier report has it"}},
		"one is another":           {then: func(s *scribe) { s.do("shop", pay("users:alice", "users:bob", 101), sell) }, want: []string{anew}},
		"one is another, and more happened": {
			then: func(s *scribe) { s.do("shop", pay("users:alice", "users:bob", 101), sell, sell) }, want: []string{anew},
		},
		"another ledger is verified": {then: func(*scribe) {}, only: "other"},
		"a ledger is gone": {
			then: func(s *scribe) { s.do("shop", sell, sell) }, change: func(ls []audit.Ledger) { ls[0].Name = "gone" },
			want: []string{"ledger gone, revision 0: an earlier report has it"},
		},
		"the ledger is gone": {
			then: func(*scribe) {}, change: func(ls []audit.Ledger) { ls[0].Name = "gone" }, only: "gone",
			want: []string{"ledger gone, revision 0: an earlier report has it"},
		},
		"the hash could not be read": {
			then: func(s *scribe) { s.do("shop", pay("users:alice", "users:bob", 101), sell) }, change: func(ls []audit.Ledger) { ls[2].Hash = "" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, known := shop(t), slices.Clone(earlier)
			c.then(s)
			if c.change != nil {
				c.change(known)
			}
			got := lines(s.verify(audit.Options{Earlier: known, Ledger: c.only}))
			if len(got) != len(c.want) || len(got) > 0 && !strings.Contains(got[0], c.want[0]) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// breaking is a log of which all that comes after the first piece cannot be read.
type breaking struct{ audit.Log }

var errBroken = errors.New("the disk is gone")

func (b breaking) All(ctx context.Context, after eventstore.Position) iter.Seq2[[]eventstore.Chunk, error] {
	return func(yield func([]eventstore.Chunk, error) bool) {
		for chunks, err := range b.Log.All(ctx, after) {
			if !yield(chunks, err) {
				return
			}
			break
		}
		yield(nil, errBroken)
	}
}

func TestALogThatBreaksOffLeavesAReport(t *testing.T) {
	s := shop(t)
	s.tamper(func(rows []*row) []*row { at(rows, 6).ID[3]++; return rows })
	log, err := sqlstore.OpenLog(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r, err := audit.Verify(t.Context(), breaking{log}, audit.Options{Earlier: []audit.Ledger{{Name: "later", Revision: 3}}})
	if !errors.Is(err, errBroken) || r == nil || r.Complete || r.Found != 1 || r.Events != 17 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// What no ledger comes to by commands, though every hash and the chain are right.
func TestBooksThatCannotBe(t *testing.T) {
	entries := func(from, to string, amount uint64) []ledger.Entry { return pay(from, to, amount).Entries }
	for name, c := range map[string]struct {
		events []ledger.Event
		want   []string
	}{
		"a debt beyond the limit": {[]ledger.Event{
			ledger.TransactionPosted{ID: 3, Entries: entries("users:alice", "users:bob", 1001), EffectiveAt: start},
		}, []string{`ledger shop: account "users:alice" has -1 USD/2 available, and its minimum is 0`}},
		"a debt beyond the limit by force": {[]ledger.Event{
			ledger.TransactionPosted{ID: 3, Entries: entries("users:alice", "users:bob", 1001), EffectiveAt: start, Forced: true},
		}, nil},
		"more set aside than there is": {[]ledger.Event{
			ledger.HoldPlaced{ID: 1, Entries: entries("users:alice", "users:bob", 1001), EffectiveAt: start},
		}, []string{`account "users:alice" has -1 USD/2 available`}},
		"a transaction that does not balance": {[]ledger.Event{
			ledger.TransactionPosted{ID: 3, Entries: append(entries("users:alice", "users:bob", 1), entries("users:alice", "users:bob", 5)[0]), EffectiveAt: start},
		}, []string{"ledger shop, revision 6: it cannot follow the events before: post transaction 3"}},
		"a number that is left out": {[]ledger.Event{
			ledger.TransactionPosted{ID: 4, Entries: entries("users:alice", "users:bob", 1), EffectiveAt: start},
		}, []string{"ledger shop, revision 6: it cannot follow"}},
		"a closed account with something on it": {
			[]ledger.Event{ledger.AccountClosed{Address: "users:bob"}}, []string{`account "users:bob" is closed, and has a balance`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScribe(t)
			s.do("shop", open("shop"), pay("world", "users:alice", 1000), pay("world", "users:bob", 50))
			s.write("shop", c.events...)
			got := lines(s.verify(audit.Options{}))
			if len(got) != len(c.want) || len(got) > 0 && !strings.Contains(got[0], c.want[0]) {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}

// An account may be below a minimum that it has never been above, and above a maximum below zero.
func TestAMinimumThatWasNeverReachedIsNoFault(t *testing.T) {
	s := newScribe(t)
	hundred, less := money.Diff(money.NewAmount(100), money.Amount{}), money.Diff(money.Amount{}, money.NewAmount(10))
	s.do("shop", ledger.OpenLedger{Name: "shop"},
		ledger.OpenAccount{Address: "savings", Limits: ledger.Limits{Min: &hundred}},
		ledger.OpenAccount{Address: "debt", Limits: ledger.Limits{Max: &less}},
		pay("world", "savings", 40), pay("debt", "world", 4))
	if r := s.verify(audit.Options{}); r.Found != 0 {
		t.Errorf("found %v", lines(r))
	}
}

// models are read models that a test makes up.
type models struct {
	revisions map[string]uint64
	balances  map[string][]ledger.Balance
	err       error
	opened    func()
}

// modelsOf are read models that have what was written.
func (s *scribe) modelsOf() *models {
	m := &models{revisions: map[string]uint64{}, balances: map[string][]ledger.Balance{}}
	for name, w := range s.books {
		m.revisions[name] = w.next - 1
		m.balances[name] = slices.Collect(w.book.Balances())
	}
	return m
}

func (m *models) options() audit.Options {
	return audit.Options{ReadModels: func(context.Context) (audit.ReadModels, error) {
		if m.opened != nil {
			m.opened()
		}
		return m, m.err
	}}
}

func (m *models) Revisions(context.Context) (map[string]uint64, error) { return m.revisions, nil }
func (*models) Close() error                                           { return nil }

func (m *models) Balances(_ context.Context, name string) iter.Seq2[ledger.Balance, error] {
	return func(yield func(ledger.Balance, error) bool) {
		for _, b := range m.balances[name] {
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (m *models) balance(name string, account address.Address) *ledger.Balance {
	i := slices.IndexFunc(m.balances[name], func(b ledger.Balance) bool { return b.Account == account })
	return &m.balances[name][i]
}

func TestReadModelsAreCompared(t *testing.T) {
	one := money.NewAmount(1)
	for name, c := range map[string]struct {
		change   func(*models)
		compared audit.Comparison
		want     []string
	}{
		"as they should be": {func(*models) {}, audit.Equal, nil},
		"one balance is another": {func(m *models) { m.balance("shop", "users:bob").Debits = one }, audit.Differ, []string{
			`ledger shop: at revision 11 the read models say of account "users:bob" in USD/2: debits 1, credits 359; the log: debits 21, credits 359`,
		}},
		"something pending": {func(m *models) { m.balance("shop", "users:bob").PendingCredits = one }, audit.Differ, []string{"pending 0 and 1"}},
		"one balance is not there": {func(m *models) {
			m.balances["shop"] = slices.DeleteFunc(m.balances["shop"], func(b ledger.Balance) bool { return b.Account == "users:bob" })
		}, audit.Differ, []string{`of account "users:bob" in USD/2: debits 0, credits 0; the log: debits 21, credits 359`}},
		"one balance more": {func(m *models) {
			b := ledger.Balance{Account: "users:zoe", Asset: "USD/2"}
			b.Credits = one
			m.balances["shop"] = append(m.balances["shop"], b)
		}, audit.Differ, []string{`of account "users:zoe" in USD/2: debits 0, credits 1; the log: debits 0, credits 0`}},
		"nothing on an account more": {func(m *models) {
			m.balances["shop"] = append(m.balances["shop"], ledger.Balance{Account: "users:zoe", Asset: "USD/2"})
		}, audit.Equal, nil},
		"they are behind":   {func(m *models) { m.revisions["shop"] = 10; m.balance("shop", "users:bob").Debits = one }, audit.Behind, nil},
		"they know nothing": {func(m *models) { delete(m.revisions, "shop") }, audit.None, nil},
		"the log has lost its end": {func(m *models) { m.revisions["shop"] = 13 }, audit.Ahead, []string{
			"ledger shop, revisions 12 to 13: the read models have it, and the log does not",
		}},
		"the log has lost a ledger": {func(m *models) { m.revisions["gone"] = 7 }, audit.Equal, []string{
			"ledger gone, revisions 0 to 7: the read models have it, and the log does not",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := shop(t)
			m := s.modelsOf()
			c.change(m)
			r := s.verify(m.options())
			got := lines(r)
			if len(got) != len(c.want) || len(got) > 0 && !strings.Contains(got[0], c.want[0]) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			for _, l := range r.Ledgers {
				if l.Name == "shop" && l.ReadModels != c.compared {
					t.Errorf("they compare as %s, want %s", l.ReadModels, c.compared)
				}
			}
		})
	}
}

// Read models are read when the log was read, and may have come further meanwhile.
func TestTheLogIsFollowedToWhereTheReadModelsAre(t *testing.T) {
	for _, only := range []string{"", "shop"} {
		s := shop(t)
		m := s.modelsOf()
		m.opened = func() {
			s.do("shop", pay("users:alice", "users:bob", 100))
			s.do("new", open("new"), pay("world", "users:x", 1))
			*m = *s.modelsOf()
			s.do("shop", pay("users:alice", "users:bob", 100)) // which they do not have
			s.do("newer", open("newer"))
		}
		o := m.options()
		o.Ledger = only
		r := s.verify(o)
		if r.Found != 0 {
			t.Fatalf("found %v", lines(r))
		}
		for _, l := range r.Ledgers {
			if l.Name == "shop" && l.Revision != 12 || l.Name == "newer" || l.ReadModels != audit.Equal {
				t.Errorf("%+v", l)
			}
		}
	}
}

// Read models may have a part of what was appended in one piece.
func TestTheLogIsFollowedIntoTheMiddleOfAnAppend(t *testing.T) {
	s, twin := shop(t), shop(t)
	m := s.modelsOf()
	m.opened = func() {
		first := pay("users:alice", "users:bob", 100)
		s.do("shop", first, first)
		twin.do("shop", first)
		*m = *twin.modelsOf()
	}
	r := s.verify(m.options())
	if i := slices.IndexFunc(r.Ledgers, func(l audit.Ledger) bool { return l.Name == "shop" }); r.Found != 0 ||
		r.Ledgers[i].Revision != 12 || r.Ledgers[i].ReadModels != audit.Equal {
		t.Errorf("%+v", r)
	}
}

func TestReadModelsThatCannotBeReadLeaveAReport(t *testing.T) {
	s := shop(t)
	s.tamper(func(rows []*row) []*row { at(rows, 6).ID[3]++; return rows })
	log, err := sqlstore.OpenLog(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	m := &models{err: errors.New("no such table")}
	r, err := audit.Verify(t.Context(), log, m.options())
	if !errors.Is(err, m.err) || r == nil || r.Found != 1 || r.Complete {
		t.Errorf("got %+v, %v", r, err)
	}
}

// A server goes on writing meanwhile.
func TestALogThatGrowsIsRight(t *testing.T) {
	s := newScribe(t)
	s.do("shop", open("shop"))
	done := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				s.do("shop", pay("world", fmt.Sprintf("users:%d", i%50), 1), pay("world", "users:x", 1))
			}
		}
	})
	var last uint64
	for range 8 {
		r := s.verify(audit.Options{Workers: 2})
		if r.Found != 0 {
			t.Fatalf("found %v", lines(r))
		}
		if r.Events < last {
			t.Fatalf("%d events after %d", r.Events, last)
		}
		last = r.Events
	}
	close(done)
	writing.Wait()
}

func TestVerifyingEndsWithItsContext(t *testing.T) {
	s := shop(t)
	log, err := sqlstore.OpenLog(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	_, err = audit.Verify(ctx, log, audit.Options{Progress: func(uint64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
