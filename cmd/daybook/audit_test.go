package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/client"
)

// TestDeployedAuditBesideAServer verifies the log of the real program while clients write to it, and after it has stopped.
func TestDeployedAuditBesideAServer(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { auditBesideAServer(t, deploy(t)) })
}

func auditBesideAServer(t *testing.T, d *deployment) {
	t.Helper()
	server := d.serve(t)
	for _, name := range []string{"shop", "books"} {
		if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: name, Template: "wallets"}, ""); err != nil {
			t.Fatal(err)
		}
	}
	server.do(t, 201, "POST", "/shop/transactions", `{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"500"}]}`)
	server.do(t, 201, "POST", "/shop/holds", `{"transfers":[{"from":"users:alice","to":"till","asset":"USD/2","amount":"200"}]}`)
	server.do(t, 201, "POST", "/shop/holds/1/capture", `{"amount":"50","final":false}`)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for ctx.Err() == nil {
				_, _ = server.Post(ctx, []string{"shop", "books"}[i%2], client.NewTransaction{ // the last one is broken off
					Transfers: []client.Transfer{{From: "world", To: fmt.Sprintf("users:%d", i), Asset: "X", Amount: "1"}},
				}, "")
			}
		})
	}
	for range 5 {
		mustCommand(t, d.on("audit", "verify")...)
	}
	stop()
	writers.Wait()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	var report audit.Report
	text := mustCommand(t, d.on("audit", "verify", "--json")...)
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	earlier := filepath.Join(t.TempDir(), "earlier.json")
	if err := os.WriteFile(earlier, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if len(report.Ledgers) != 2 || report.Found != 0 || report.Events < 5 {
		t.Errorf("%+v", report)
	}
	for _, l := range report.Ledgers {
		if l.ReadModels == audit.Differ || l.ReadModels == audit.Ahead || len(l.Hash) != 64 {
			t.Errorf("%+v", l)
		}
	}
	// With everything in the read models they are compared, to the last digit.
	server = d.serve(t)
	for _, l := range report.Ledgers {
		if _, err := server.Ledger(t.Context(), l.Name, client.Query{MinRevision: &l.Revision}); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if out := mustCommand(t, d.on("audit", "verify", "--ledger", "shop", "--earlier", earlier)...); strings.Count(out, " equal ") != 1 || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("it says\n%s", out)
	}
}

func TestAuditExitCodes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	server := serve(t, data)
	accepted := openAndPost(t, server)
	if _, err := server.Ledger(t.Context(), "demo", client.Query{MinRevision: &accepted.Revision}); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	change := func(file, statement string) func() {
		return func() {
			db, err := sqlx.Open("sqlite", filepath.Join(data, file))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.MustExec(statement)
		}
	}
	earlier := func(text string) []string {
		file := filepath.Join(t.TempDir(), "earlier.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"--earlier", file}
	}
	for _, c := range []struct {
		what  string
		do    func()
		args  []string
		code  int
		says  string
		fails string
	}{
		{"as it is", func() {}, nil, 0, "nothing is wrong", ""},
		{"no such ledger", func() {}, []string{"--ledger", "none"}, 3, "", "does not exist"},
		{"more was there earlier", func() {}, earlier(`{"ledgers":[{"ledger":"demo","revision":9}]}`), 1, "WRONG: ledger demo, revisions 4 to 9: an earlier report has it", "findings"},
		{"an earlier report that says nothing", func() {}, earlier(`{}`), 3, "", "is no report of an audit"},
		{"an earlier report that is none", func() {}, earlier(`LEDGER`), 3, "", "read the earlier report"},
		{"no earlier report", func() {}, []string{"--earlier", "nowhere"}, 3, "", "read the earlier report"},
		{"a wrong flag", func() {}, []string{"--findings", "0"}, exitUsage, "", "--findings"},
		{
			"a balance is another", change("views.db", `UPDATE balances_1 SET debits = '1051' WHERE debits = '1050'`), nil, 1,
			`WRONG: ledger demo: at revision 3 the read models say of account "world" in USD/2: debits 1051, credits 0; the log: debits 1050`, "is not what was written",
		},
		{"the read models cannot be read", change("views.db", `DROP TABLE checkpoints`), nil, 3, "nothing is wrong, as far as it could be read", "no such table"},
		{"without the read models", func() {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Remove(filepath.Join(data, "views.db"+suffix))
			}
		}, nil, 0, "not_compared", ""},
		{"the log has lost its beginning", change("events.db", `DELETE FROM appends WHERE position = 1`), nil, 1, "WRONG: row 1 of the log is missing", "findings"},
		{"the log has lost its second half", func() {
			if err := os.Truncate(filepath.Join(data, "events.db"), 8192); err != nil {
				t.Fatal(err)
			}
		}, nil, 1, "", "corrupt"},
		{"the log is empty", func() {
			if err := os.Truncate(filepath.Join(data, "events.db"), 0); err != nil {
				t.Fatal(err)
			}
		}, nil, 1, "", "the file is empty"},
		{"the log is not there", func() { _ = os.Remove(filepath.Join(data, "events.db")) }, nil, 3, "", "has lost its event store"},
		{"no data directory", func() {}, []string{"--data", t.TempDir()}, 3, "", "is not a Daybook data directory"},
	} {
		c.do()
		out, errors, code := command(t, "", append([]string{"audit", "verify", "--data", data}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.says) || !strings.Contains(errors, c.fails) {
			t.Errorf("%s: exit code %d, want %d and %q, %q in\n%s%s", c.what, code, c.code, c.says, c.fails, out, errors)
		}
	}
}
