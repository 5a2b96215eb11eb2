package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// site is what nodes of a cluster share.
type site struct {
	t                  *testing.T
	nats, store, views string
	data               map[string]string // of each node
}

func newSite(t *testing.T) *site {
	t.Helper()
	return &site{t: t, nats: natstest.URLs(natstest.New(t, nil)), store: pgtest.Database(t), views: pgtest.Database(t), data: map[string]string{}}
}

// node starts a node, or starts it again where it was. It is ready once it has a session.
func (s *site) node(name string, flags ...string) *served {
	s.t.Helper()
	if s.data[name] == "" {
		s.data[name] = filepath.Join(s.t.TempDir(), name)
	}
	n := serve(s.t, s.data[name], append([]string{
		"--node", name, "--lease", "2s", "--store", s.store, "--views", s.views, "--nats", s.nats,
	}, flags...)...)
	s.becomes(n, name+" has a session", func(c *wire.Cluster) bool {
		return c.Node == name && c.Standing == "held" && slices.ContainsFunc(c.Nodes, func(one wire.ClusterNode) bool {
			return one.Node == name && one.Address == n.Address
		})
	})
	return n
}

// becomes waits until a node sees its cluster as it should be.
func (s *site) becomes(n *served, what string, so func(*wire.Cluster) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var seen wire.Cluster
	for {
		if err := n.Get(ctx, "/cluster", client.Query{}, &seen); err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		if so(&seen) {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("it never was so that %s, but %+v", what, seen)
		case <-time.After(20 * time.Millisecond): // nobody tells a client what changes
		}
	}
}

// leads waits until a node leads, as another one sees it.
func (s *site) leads(seenBy *served, singleton, node string) {
	s.t.Helper()
	s.becomes(seenBy, node+" leads the "+singleton, func(c *wire.Cluster) bool { return leaderOf(c, singleton) == node })
}

func leaderOf(c *wire.Cluster, singleton string) string {
	for _, n := range c.Nodes {
		if slices.Contains(n.Leads, singleton) {
			return n.Node
		}
	}
	return ""
}

// patience bounds waits for what must come; it is never waited out in a test that passes.
const patience = time.Minute

// posted posts by one node and reads by another one, when that has it.
func (s *site) posted(by, readBy *served, amount int) {
	s.t.Helper()
	accepted, err := by.Post(s.t.Context(), "demo", client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: strconv.Itoa(amount)}},
	}, fmt.Sprint("posting-", amount))
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := readBy.Transaction(s.t.Context(), "demo", accepted.Transaction.ID, client.Query{
		MinRevision: &accepted.Revision, Wait: patience / 2,
	})
	if err != nil || got.RecordedAt != accepted.Transaction.RecordedAt {
		s.t.Fatalf("read by another node: %+v, %v", got, err)
	}
}

// verified has the log and the read models audited.
func (s *site) verified(data string) {
	s.t.Helper()
	out := mustCommand(s.t, "audit", "verify", "--data", data, "--store", s.store, "--views", s.views)
	contains(s.t, out, "equal")
}

// TestClusterHandsOver has one node do the work of all, and another one take it over: when the first ends, when it is killed, and
// when it is paused for longer than its lease, and wakes.
func TestClusterHandsOver(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	if _, err := a.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	for _, singleton := range []string{"relay", "projections"} {
		s.leads(a, singleton, "a")
	}
	b := s.node("b")
	s.posted(a, b, 1)
	s.posted(b, a, 2)
	s.leads(b, "relay", "a")

	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	s.leads(b, "relay", "b")
	s.leads(b, "projections", "b")
	s.posted(b, b, 3)

	c := s.node("c")
	b.Kill()
	s.leads(c, "relay", "c")
	s.leads(c, "projections", "c")
	s.posted(c, c, 4)

	d := s.node("d")
	if err := c.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.leads(d, "relay", "d")
	s.leads(d, "projections", "d")
	for amount := range 20 {
		s.posted(d, d, 100+amount)
	}
	if err := c.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.becomes(c, "c is back and leads nothing", func(seen *wire.Cluster) bool {
		return seen.Standing == "held" && leaderOf(seen, "relay") == "d" && leaderOf(seen, "projections") == "d"
	})
	s.posted(c, d, 5)
	s.posted(d, c, 6)
	s.verified(s.data["d"])
	var balances wire.Balances
	if err := c.Get(t.Context(), "/ledgers/demo/balances", client.Query{Account: "users:alice"}, &balances); err != nil {
		t.Fatal(err)
	}
	const want = 1 + 2 + 3 + 4 + 20*100 + 19*10 + 5 + 6
	if got := balances.Balances[0].Balance; got != strconv.Itoa(want) {
		t.Errorf("the balance is %s, want %d", got, want)
	}
}

// TestRoles divides the work among nodes.
func TestRoles(t *testing.T) {
	s := newSite(t)
	writer := s.node("writer", "--roles", "commands,relay")
	worker := s.node("worker", "--roles", "projections")
	reader := s.node("reader", "--roles", "queries")
	if _, err := writer.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	s.posted(writer, reader, 1)
	s.leads(reader, "relay", "writer")
	s.leads(reader, "projections", "worker")
	for url, want := range map[string]int{
		writer.BaseURL + "/v1/ledgers/demo":  http.StatusServiceUnavailable,
		worker.BaseURL + "/v1/ledgers/demo":  http.StatusServiceUnavailable,
		worker.BaseURL + "/v1/cluster":       http.StatusOK,
		reader.BaseURL + "/v1/ledgers/demo":  http.StatusOK,
		worker.BaseURL + "/readyz":           http.StatusOK,
		reader.BaseURL + "/readyz":           http.StatusOK,
		writer.BaseURL + "/readyz":           http.StatusOK,
		worker.BaseURL + "/metrics":          http.StatusOK,
		reader.BaseURL + "/v1/ledgers/other": http.StatusNotFound,
	} {
		if status, body := get(t.Context(), t, url); status != want {
			t.Errorf("GET %s: %d, want %d\n%s", url, status, want, body)
		}
	}
	// Commands are passed on by those that do not decide.
	for amount, n := range []*served{worker, reader} {
		s.posted(n, reader, 10+amount)
	}
	if _, err := worker.OpenLedger(t.Context(), client.NewLedger{Name: "new"}, ""); err != nil {
		t.Errorf("open a ledger by a node that decides nothing: %v", err)
	}
	if _, err := worker.OpenLedger(t.Context(), client.NewLedger{Name: "No Name"}, ""); !client.IsCode(err, "overloaded") {
		t.Errorf("a command that names no ledger, to a node that decides nothing: %v", err)
	}
	for _, n := range []*served{writer, worker, reader} {
		_, metrics := get(t.Context(), t, n.BaseURL+"/metrics")
		if got := strings.Contains(metrics, "daybook_projections_batch_events"); got != (n == worker) {
			t.Errorf("%s has metrics of the projections: %t", n.Address, got)
		}
		if got := strings.Contains(metrics, "daybook_relay_published_total"); got != (n == writer) {
			t.Errorf("%s has metrics of the relay: %t", n.Address, got)
		}
	}
}

// TestTheReadModelsAreMadeLast starts a node that serves them and watches what is due in them before there is one that projects.
func TestTheReadModelsAreMadeLast(t *testing.T) {
	s := newSite(t)
	first := s.node("first", "--roles", "commands,relay,queries")
	if _, err := first.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/ledgers", "/v1/ledgers/demo", "/v1/ledgers/demo/balances"} {
		if status, body := get(t.Context(), t, first.BaseURL+path); status != http.StatusServiceUnavailable {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	s.node("worker", "--roles", "projections")
	s.posted(first, first, 1)
	if log := first.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the node complains of what is still to come:\n%s", log)
	}
}

// TestALeadThatPassesLeavesNothingBehind takes the lead of the relay away several times: each turn ends with what it had.
func TestALeadThatPassesLeavesNothingBehind(t *testing.T) {
	s := newSite(t)
	server := natstest.New(t, nil)
	s.nats = natstest.URLs(server)
	a := s.node("a")
	conn, err := nats.Connect(s.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.KeyValue(t.Context(), cluster.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	s.posted(a, a, 1)
	relays := func() bool {
		_, metrics := get(t.Context(), t, a.BaseURL+"/metrics")
		return strings.Contains(metrics, "daybook_relay_published_total") && !strings.Contains(metrics, "daybook_relay_published_total 0\n")
	}
	until(t, "it relays", relays)
	before := server.Subscriptions()
	const lead = "singleton.relay"
	for turn := range 3 {
		if err := bucket.Delete(t.Context(), lead); err != nil {
			t.Fatal(err)
		}
		until(t, "the lead is taken again", func() bool { _, err := bucket.Get(t.Context(), lead); return err == nil })
		s.posted(a, a, 2+turn) // for the next turn to relay
		until(t, "it relays again", relays)
	}
	until(t, "there are as many subscriptions as before", func() bool { return server.Subscriptions() == before })
}

// TestCommandsGoToTheNodeThatOwns posts to one ledger by two nodes: one of them passes everything on, so that nobody's append
// comes too late.
func TestCommandsGoToTheNodeThatOwns(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	b := s.node("b")
	if _, err := a.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	for amount := range 20 {
		s.posted(a, b, 1+2*amount)
		s.posted(b, a, 2+2*amount)
	}
	const forwarded = `daybook_forwards_sent_total{outcome="answered"}`
	for n, want := range map[*served]string{a: "", b: forwarded + " 20\n"} {
		_, metrics := get(t.Context(), t, n.BaseURL+"/metrics")
		if want == "" && strings.Contains(metrics, forwarded) {
			t.Errorf("%s passed on what it owns:\n%s", n.Address, metrics)
		}
		contains(t, metrics, want, "daybook_engine_conflicts_total 0\n")
	}
	s.becomes(b, "a owns the ledger", func(c *wire.Cluster) bool { return len(c.Nodes) == 2 && c.Nodes[0].Ledgers == 1 })
}

// TestLedgersFollowTheirCommands posts to a ledger by the node that does not own it, until it does.
func TestLedgersFollowTheirCommands(t *testing.T) {
	s := newSite(t)
	a := s.node("a", "--follow", "100ms")
	b := s.node("b", "--follow", "100ms")
	if _, err := a.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	amount := 0
	s.becomes(b, "it owns the ledger", func(c *wire.Cluster) bool {
		for range 20 {
			amount++
			s.posted(b, a, amount)
		}
		return len(c.Nodes) == 2 && c.Nodes[1].Ledgers == 1
	})
	sent := func() string {
		_, metrics := get(t.Context(), t, b.BaseURL+"/metrics")
		_, count, _ := strings.Cut(metrics, `daybook_forwards_sent_total{outcome="answered"} `)
		count, _, _ = strings.Cut(count, "\n")
		return count
	}
	before := sent()
	for range 10 {
		amount++
		s.posted(b, a, amount)
	}
	if after := sent(); after != before || before == "" {
		t.Errorf("it had passed on %q commands when the ledger became its own, and has %q later", before, after)
	}
	s.verified(s.data["b"])
}

func TestClusterStatus(t *testing.T) {
	alone := serve(t, filepath.Join(t.TempDir(), "data"))
	equal(t, "alone", mustCommand(t, "cluster", "status", "--server", alone.BaseURL),
		"a single process, no cluster; read models: 0 events behind\n")

	s := newSite(t)
	a := s.node("a")
	b := s.node("b", "--roles", "commands,queries")
	for _, singleton := range []string{"relay", "projections"} {
		s.leads(b, singleton, "a")
	}
	table := mustCommand(t, "cluster", "status", "--server", b.BaseURL)
	contains(t, table, "NODE", a.Address, b.Address, "commands,queries", "relay: a; projections: a; ledgers of nobody: 0", "as seen by b (session: held)")
	var told wire.Cluster
	if err := json.Unmarshal([]byte(mustCommand(t, "cluster", "status", "--json", "--server", a.BaseURL)), &told); err != nil {
		t.Fatal(err)
	}
	if told.Node != "a" || len(told.Nodes) != 2 || !slices.Equal(told.Nodes[1].Roles, []string{"commands", "queries"}) {
		t.Errorf("told %+v", told)
	}
}

// TestCommandsWaitOnEveryNode blocks the read models, which one node feeds, while another one takes commands: that one hears how
// far they are behind, refuses commands at the bound, and goes on when they have caught up.
func TestCommandsWaitOnEveryNode(t *testing.T) {
	s := newSite(t)
	const bound = "100"
	a := s.node("a", "--max-lag", bound)
	s.leads(a, "projections", "a")
	b := s.node("b", "--max-lag", bound)
	if _, err := b.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	s.posted(b, a, 1)
	release := blockProjector(t, s.views)
	var refused error
	posted := 0
	for ; refused == nil && posted < 20_000; posted++ {
		_, refused = b.Post(t.Context(), "demo", toAlice("1"), "")
	}
	if !client.IsCode(refused, "overloaded") || posted <= 100 {
		t.Errorf("after %d postings: %v", posted, refused)
	}
	s.becomes(a, "commands are held up on every node", func(c *wire.Cluster) bool { return c.Holding && c.LagEvents > 100 })
	release()
	for _, n := range []*served{a, b} {
		s.becomes(n, "the read models have caught up", func(c *wire.Cluster) bool { return !c.Holding && c.LagEvents == 0 })
	}
	s.posted(b, a, 2)
}

// TestWhoeverTakesTheLeadKnowsWhatIsLacking has the projections of one node fail while commands come in, and that node die. Nothing is
// appended until another one has the lead, which says all the same how much is lacking, and holds commands up at the bound of that.
func TestWhoeverTakesTheLeadKnowsWhatIsLacking(t *testing.T) {
	for name, store := range map[string]func(*testing.T, *site){
		"in PostgreSQL": func(*testing.T, *site) {},
		"in EventStoreDB": func(t *testing.T, s *site) { // which cannot tell where streams end
			t.Helper()
			log := memstore.New()
			address, stop := eventStoreDB(t, log, "127.0.0.1:0")
			t.Cleanup(func() { stop(); log.Close() })
			s.store = "esdb://" + address + "?tls=false"
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			store(t, s)
			whoeverTakesTheLeadKnowsWhatIsLacking(t, s)
		})
	}
}

func whoeverTakesTheLeadKnowsWhatIsLacking(t *testing.T, s *site) {
	t.Helper()
	const bound, lacking = "100", 60
	a := s.node("a", "--max-lag", bound)
	s.leads(a, "projections", "a")
	b := s.node("b", "--max-lag", bound)
	if _, err := b.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	s.posted(b, a, 1)
	mend := failEntries(t, s.views)
	for range lacking {
		if _, err := b.Post(t.Context(), "demo", toAlice("1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	a.Kill()
	s.leads(b, "projections", "b")
	s.becomes(b, "it knows what was appended before it had the lead", func(c *wire.Cluster) bool { return c.LagEvents >= lacking })
	var refused error
	posted := 0
	for ; refused == nil && posted < 20_000; posted++ {
		_, refused = b.Post(t.Context(), "demo", toAlice("1"), "")
	}
	if !client.IsCode(refused, "overloaded") {
		t.Errorf("after %d postings: %v", posted, refused)
	}
	s.becomes(b, "commands are held up", func(c *wire.Cluster) bool { return c.Holding && c.LagEvents == uint64(lacking+posted-1) })
	mend()
	s.becomes(b, "the read models have caught up", func(c *wire.Cluster) bool { return !c.Holding && c.LagEvents == 0 })
	s.posted(b, b, 2)
}

// failEntries has PostgreSQL take no rows of the read model of entries, as if its disk were full.
func failEntries(t *testing.T, database string) (mend func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	var table string
	do := func(statement string) {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	err = conn.QueryRow(t.Context(), `SELECT 'views.entries_' || generation FROM views.generations
		WHERE projection = 'entries' AND live = 1`).Scan(&table)
	if err != nil {
		t.Fatal(err)
	}
	do(`CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$`)
	do(`CREATE TRIGGER full_disk BEFORE INSERT ON ` + table + ` EXECUTE FUNCTION public.full_disk()`)
	return func() { do(`DROP TRIGGER full_disk ON ` + table) }
}
