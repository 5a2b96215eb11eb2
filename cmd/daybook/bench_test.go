package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// benchReport is the JSON of a benchmark, as a program reads it.
type benchReport struct {
	Machine    map[string]any `json:"machine"`
	Benchmarks []struct {
		Command string           `json:"command"`
		Rows    []map[string]any `json:"rows"`
	} `json:"benchmarks"`
}

// bench runs a benchmark with JSON for an answer, and makes sure that it leaves nothing behind.
func bench(t *testing.T, args ...string) benchReport {
	t.Helper()
	made := t.TempDir()
	args = append(append([]string{"bench"}, args...), "--json", "--dir", made)
	var report benchReport
	if err := json.Unmarshal([]byte(mustCommand(t, args...)), &report); err != nil {
		t.Fatal(err)
	}
	wantNothingIn(t, made)
	return report
}

func wantNothingIn(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("a benchmark left %v behind (%v)", left, err)
	}
}

// wantFigures looks for rows by their names, and for figures in them. With so little to do times may be zero, rates not.
func wantFigures(t *testing.T, rows []map[string]any, want map[string]string) {
	t.Helper()
	for name, figures := range want {
		i := slices.IndexFunc(rows, func(row map[string]any) bool { return row["name"] == name })
		if i < 0 {
			t.Errorf("no row %q in %v", name, rows)
			continue
		}
		for figure := range strings.FieldsSeq(figures) {
			if value, ok := rows[i][figure].(float64); !ok || value < 0 || value == 0 && figure == "per_second" {
				t.Errorf("%q has no %s: %v", name, figure, rows[i])
			}
		}
	}
}

const (
	ofClosed = "closed_p50_ms closed_p99_ms "
	ofOpen   = "open_rate open_p50_ms open_p99_ms open_p999_ms "
	ofStart  = "ready_ms first_command_ms caught_up_ms rss_mib heap_mib "
)

// TestAllBenchmarks runs each with little to do: what it measures means nothing, but it ends, its books are right, and it
// tells what it should.
func TestAllBenchmarks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "report.md")
	report := bench(t, "all", "--duration", "10ms", "--bulk-duration", "10ms", "--accounts", "20", "--transactions", "50", "--runs", "1", "--out", out)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		command string
		rows    map[string]string
	}{
		{"post", map[string]string{
			"no-op Echo POST": "per_second " + ofOpen, "post, random pairs": "per_second of_noop behind_ms " + ofOpen,
			"post, one hot account": "per_second of_noop of_pairs " + ofOpen,
		}},
		{"post -c 1", map[string]string{
			"no-op Echo POST": "per_second " + ofClosed, "post, random pairs": "of_limit " + ofClosed,
			"append of 4 KiB + fdatasync": ofClosed, "limit: 2 of those + no-op": "closed_p50_ms",
		}},
		{"bulk", map[string]string{"bulk, accepted": "per_second " + ofClosed, "bulk, in the read models": "per_second behind_ms"}},
		{"lag", map[string]string{
			"post, random pairs": "per_second", "seen by a reader who polls": ofOpen + "max_ms", "seen by a reader who waits": "open_rate",
		}},
		{"get", map[string]string{"no-op Echo GET": "per_second " + ofOpen, "GET of an account": "per_second of_noop " + ofOpen}},
		{"start", map[string]string{
			"data directory": "disk_mib log_bytes_per_transaction", "start after a stop": ofStart, "start after kill -9": ofStart,
		}},
		{"rebuild", map[string]string{"rebuild of all read models": "events seconds per_second"}},
	} {
		one := report.Benchmarks[i]
		if !strings.HasPrefix(one.Command, "daybook bench "+want.command) || !bytes.Contains(text, []byte("\n`"+one.Command+"`\n")) {
			t.Errorf("benchmark %d is %s, want %s, in\n%s", i, one.Command, want.command, text)
		}
		wantFigures(t, one.Rows, want.rows)
	}
}

func TestGrowth(t *testing.T) {
	report := bench(t, "growth", "--duration", "10ms", "--accounts", "20", "--transactions", "60", "--steps", "2")
	wantFigures(t, report.Benchmarks[0].Rows, map[string]string{
		"nearly empty":                      "bulk_per_second post_per_second rss_mib heap_mib disk_bytes_per_transaction",
		"100 %":                             "bulk_of_empty post_of_empty",
		"statement of an account, 50 lines": ofClosed, "balance of an account at a date": ofClosed, "totals of all accounts at a date": ofClosed,
		"start after a stop": ofStart,
	})
}

// TestShapes measures all of them, and looks whether databases are left.
func TestShapes(t *testing.T) {
	database := pgtest.Database(t)
	report := bench(t, "shapes", "--duration", "10ms", "--accounts", "20", "--runs", "1", "--nats-servers", "1", "--postgres", database)
	const all = "post_per_second open_p99_ms seen_p99_ms bulk_per_second bulk_in_read_models_per_second post_of_first"
	wantFigures(t, report.Benchmarks[0].Rows, map[string]string{
		"everything inside": all, "NATS outside, 1 servers": all,
		"event store on PostgreSQL": all, "read models on PostgreSQL": all,
		"event store on PostgreSQL, NATS outside, 1 servers": all, "both on PostgreSQL, NATS outside, 1 servers": all,
		"two nodes, the owner asked": all, "two nodes, the other asked": all,
		"hand-over after a stop": "hand_over_ms", "hand-over after kill -9": "hand_over_ms",
	})
	wantNoDatabaseLeft(t, database)
}

func wantNoDatabaseLeft(t *testing.T, database string) {
	t.Helper()
	pgtest.Execute(t, database, `DO $$ BEGIN
		ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname LIKE 'daybook_bench_%'), 'a database is left';
	END $$`)
}

// TestManyLedgers divides a load among ledgers and nodes.
func TestManyLedgers(t *testing.T) {
	database := pgtest.Database(t)
	report := bench(t, "ledgers", "--duration", "10ms", "--accounts", "20", "--runs", "1", "--ledgers", "1,3", "--nodes", "2",
		"--nats-servers", "1", "--postgres", database)
	const all = "post_per_second post_of_first bulk_per_second"
	wantFigures(t, report.Benchmarks[0].Rows, map[string]string{
		"everything inside, ledgers: 1": all, "everything inside, ledgers: 3": all,
		"event store on PostgreSQL, ledgers: 1": all, "event store on PostgreSQL, ledgers: 3": all,
		"all outside, ledgers: 3, nodes: 1": all, "all outside, ledgers: 3, nodes: 2": all,
	})
	wantNoDatabaseLeft(t, database)
}

// TestBenchmarksKeepAHistory builds a data directory with one benchmark, takes it with another, and looks for both in it.
func TestBenchmarksKeepAHistory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	bench(t, "start", "--data", data, "--transactions", "50", "--accounts", "20", "--tail", "5", "--runs", "2")
	profile := filepath.Join(t.TempDir(), "cpu.prof")
	report := bench(t, "rebuild", "--data", data, "--runs", "1", "--cpu-profile", profile)
	const opened = 1 + 20 + 1 // the ledger, its accounts, and the world
	if events := report.Benchmarks[0].Rows[0]["events"]; events != float64(opened+50+2*5) {
		t.Errorf("rebuilt from %v events", events)
	}
	if _, err := os.Stat(profile); err != nil {
		t.Error(err)
	}
	if report.Machine["go"] == "" || !strings.HasPrefix(report.Benchmarks[0].Command, "daybook bench rebuild --data "+data) {
		t.Errorf("made by %q on %v", report.Benchmarks[0].Command, report.Machine)
	}
}

// TestBenchmarksLeaveOtherDataAlone gives a benchmark the directory of somebody's ledgers.
func TestBenchmarksLeaveOtherDataAlone(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	server := serve(t, data)
	openAndPost(t, server)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, text, code := command(t, "", "bench", "start", "--data", data); code != exitFailed || !strings.Contains(text, "left alone") {
		t.Fatalf("code %d: %s", code, text)
	}
}

// TestInterruptedBenchmarkCleansUp interrupts the program, as ^C does, while it puts load on a server.
func TestInterruptedBenchmarkCleansUp(t *testing.T) {
	made := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := new(syncBuffer)
	program := exec.CommandContext(t.Context(), self, "bench", "bulk", "--duration", "1h", "--accounts", "20", "--dir", made)
	program.Stderr = log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	for views := []string(nil); len(views) == 0; time.Sleep(time.Millisecond) { // until the server is there
		views, _ = filepath.Glob(filepath.Join(made, "*", "views.db"))
	}
	if err := program.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err == nil || program.ProcessState.ExitCode() != exitFailed {
		t.Errorf("it ends with %v\n%s", err, log)
	}
	wantNothingIn(t, made)
}

func TestRefusedBenchmarks(t *testing.T) {
	for line, want := range map[string]string{
		"post --runs 0":                       "--runs must be at least 1",
		"post --accounts 1":                   "--accounts at least 2",
		"post -c 0":                           "--connections must be at least 1",
		"get --out report.pdf":                "ends with .md or .json",
		"start --transactions 5 --accounts 6": "--transactions no fewer",
		"growth --steps 0":                    "--steps must be above zero",
		"shapes --nats-servers 6":             "--nats-servers must be 1 to 5",
		"shapes --postgres localhost":         "--postgres: want a URL",
		"ledgers --ledgers 0":                 "--ledgers must be above zero",
		"ledgers --ledgers 4 --accounts 7":    "--accounts at least two for each",
		"ledgers --ledgers 2 --nodes 3":       "--nodes must be at least 1, and no more than",
	} {
		if _, text, code := command(t, "", append([]string{"bench"}, strings.Fields(line)...)...); code != exitUsage || !strings.Contains(text, want) {
			t.Errorf("%s: code %d, %s", line, code, text)
		}
	}
}
