package linear_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// TestClusterIsLinearizable has concurrent clients post to the nodes of a cluster, each to any of them, while nodes are paused
// for longer than their lease, cut off from NATS, stopped, and killed, the owner of the ledger first of all. What they were
// told is to be what one plain ledger would have told them.
func TestClusterIsLinearizable(t *testing.T) {
	rounds := 2
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		rounds = 60
	}
	servers := natstest.URLs(natstest.New(t, nil))
	outcomes := map[string]int{}
	for range rounds {
		seed := rand.Uint64()
		trial := newClusterTrial(t, seed, servers)
		trial.run()
		if result, info := porcupine.CheckOperationsVerbose(simpleLedger, trial.history, time.Minute); result != porcupine.Ok {
			path := fmt.Sprintf("%s/cluster-history.html", os.TempDir())
			_ = porcupine.VisualizePath(simpleLedger, info, path) // for whoever looks into it
			t.Fatalf("seed %d: the history is %s, and drawn in %s", seed, result, path)
		}
		for _, o := range trial.history {
			outcomes[o.Output.(told).kind()]++
		}
	}
	t.Logf("%v", outcomes)
	for _, kind := range []string{"accepted", "refused", "again"} {
		if outcomes[kind] == 0 {
			t.Errorf("nobody was ever told %q", kind)
		}
	}
}

func (t told) kind() string {
	switch {
	case t.outcome == accepted && strings.HasPrefix(t.text, again):
		return "again"
	case t.outcome == accepted:
		return "accepted"
	case t.outcome == refused:
		return "refused"
	case t.outcome == failed:
		return "failed"
	default:
		return "unknown"
	}
}

// transfer moves an amount between two purses, or from the world (see purse). A key is 0 for none.
type transfer struct{ from, to, amount, key int }

func (p transfer) body() io.Reader {
	return strings.NewReader(fmt.Sprintf(`{"transfers":[{"from":%q,"to":%q,"asset":"USD/2","amount":"%d"}]}`,
		purse(p.from), purse(p.to), p.amount))
}

// answered puts an answer into words.
func (p transfer) answered(t *testing.T, response *http.Response, body []byte) told {
	var answer struct {
		Revision    int
		Transaction struct{ ID int }
		Code        string
		Detail      string
		Available   string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Errorf("%d %s: %v", response.StatusCode, body, err)
	}
	switch {
	case response.StatusCode == http.StatusCreated:
		text := postedAs(answer.Transaction.ID, answer.Revision)
		if response.Header.Get("Idempotent-Replayed") != "" {
			text = again + text
		}
		return told{text: text}
	case answer.Code == "insufficient_funds":
		return no("only %s", answer.Available)
	case response.StatusCode == http.StatusServiceUnavailable && strings.Contains(answer.Detail, "nothing was done"):
		return told{outcome: failed}
	case response.StatusCode == http.StatusServiceUnavailable:
		return told{outcome: unknown}
	}
	t.Errorf("%d %s", response.StatusCode, body)
	return told{outcome: unknown}
}

func postedAs(id, revision int) string { return fmt.Sprintf("transaction %d at %d", id, revision) }

// simple is a ledger that knows purses and keys.
type simple struct {
	purses   [purses]int
	count    int
	revision int
	keys     map[int]string
}

// clusterBegins is the revision after the ledger and its purses were opened, and the world.
const clusterBegins = purses + 1

var simpleLedger = porcupine.Model{
	Init: func() any { return simple{revision: clusterBegins, keys: map[int]string{}} },
	Step: func(state, input, output any) (bool, any) {
		s, p, got := state.(simple), input.(transfer), output.(told)
		if got.outcome == failed {
			return true, s
		}
		want, after := s.step(p)
		// The node that passed a request on may have sent it twice: then the answer that its client gets is one to a key that is known.
		twice := p.key > 0 && want.outcome == accepted && got == told{text: again + want.text}
		return want == got || twice || got.outcome == unknown, after
	},
	Equal:             reflect.DeepEqual,
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

func (s simple) step(p transfer) (told, simple) {
	if text, used := s.keys[p.key]; used && p.key > 0 {
		return told{text: again + text}, s
	}
	if p.from != purses && s.purses[p.from] < p.amount {
		return no("only %d", s.purses[p.from]), s
	}
	if p.from != purses {
		s.purses[p.from] -= p.amount
	}
	s.purses[p.to] += p.amount
	s.count++
	s.revision++
	text := postedAs(s.count, s.revision)
	if p.key > 0 {
		s.keys = maps.Clone(s.keys)
		s.keys[p.key] = text
	}
	return told{text: text}, s
}

type clusterTrial struct {
	t       *testing.T
	random  *rand.Rand
	servers string
	store   *memstore.Store
	began   time.Time
	client  *http.Client

	mu      sync.Mutex
	nodes   []*node // nil for one that does not run
	history []porcupine.Operation
	sent    []transfer // with keys
	keys    int
}

const (
	clusterNodes    = 3
	clusterClients  = 5
	clusterRequests = 60
)

func newClusterTrial(t *testing.T, seed uint64, servers string) *clusterTrial {
	t.Helper()
	l := &clusterTrial{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), servers: servers, store: memstore.New(), began: time.Now(),
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute},
	}
	l.open()
	for i := range clusterNodes {
		l.nodes = append(l.nodes, startNode(t, servers, fmt.Sprintf("n%d", i), l.store))
	}
	return l
}

// open opens the ledger and its accounts.
func (l *clusterTrial) open() {
	engines := commands.NewEngines(l.store, engine.Options{})
	u := one(ledger.OpenLedger{Name: "books", Template: ledger.Wallets})
	for i := range purses + 1 {
		u.Commands = append(u.Commands, one(ledger.OpenAccount{Address: purse(i)}).Commands...)
	}
	result, err := engines.Submit(l.t.Context(), ledgername.Stream("books"), u)
	if err != nil || result.Revision != clusterBegins {
		l.t.Fatalf("the ledger opens at %d: %v", result.Revision, err)
	}
	if err := engines.Close(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
}

// run has clients ask and nodes suffer, until the clients are done.
func (l *clusterTrial) run() {
	l.t.Helper()
	done := make(chan struct{})
	var suffering sync.WaitGroup
	random := rand.New(rand.NewPCG(l.random.Uint64(), 0))
	suffering.Go(func() { l.disturb(random, done) })
	var clients sync.WaitGroup
	for client := range clusterClients {
		random := rand.New(rand.NewPCG(l.random.Uint64(), uint64(client)))
		clients.Go(func() {
			for range clusterRequests {
				time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // so that there is something to disturb
				l.ask(client, random)
			}
		})
	}
	clients.Wait()
	close(done)
	suffering.Wait()
	for _, n := range l.nodes {
		n.stop(false)
	}
	l.client.CloseIdleConnections()
	for i := range l.history {
		if o := &l.history[i]; o.Output.(told).outcome == unknown {
			o.Return = time.Since(l.began).Nanoseconds()
		}
	}
}

func (l *clusterTrial) ask(client int, random *rand.Rand) {
	p, n := l.choose(random)
	o := porcupine.Operation{ClientId: client, Input: p, Call: time.Since(l.began).Nanoseconds()}
	answer := n.post(l.client, p)
	o.Output, o.Return = answer, time.Since(l.began).Nanoseconds()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history = append(l.history, o)
}

// choose makes up a request and whom to ask.
func (l *clusterTrial) choose(random *rand.Rand) (transfer, *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.nodes[random.IntN(len(l.nodes))]
	if len(l.sent) > 0 && random.IntN(6) == 0 {
		return l.sent[random.IntN(len(l.sent))], n
	}
	two := random.Perm(purses)
	p := transfer{from: two[0], to: two[1], amount: 1 + random.IntN(30)}
	if random.IntN(4) == 0 {
		p.from = purses
	}
	if random.IntN(5) > 0 { // few go without, since each may stay unknown
		l.keys++
		p.key = l.keys
		l.sent = append(l.sent, p)
	}
	return p, n
}

// disturb does one thing after another to nodes.
func (l *clusterTrial) disturb(random *rand.Rand, done <-chan struct{}) {
	pause := func(d time.Duration) bool {
		select {
		case <-done:
			return false
		case <-time.After(d):
			return true
		}
	}
	for pause(time.Duration(random.IntN(300)) * time.Millisecond) {
		i := random.IntN(clusterNodes)
		n := l.nodes[i]
		long := lease + time.Duration(random.Int64N(int64(2*lease)))
		switch random.IntN(6) {
		case 0: // paused, mostly for longer than its lease
			n.nats.Freeze()
			n.store.Freeze()
			pause(long)
			n.nats.Thaw()
			n.store.Thaw()
		case 1, 2, 3: // cut off from NATS, until it decides alone
			n.nats.Freeze()
			pause(long)
			n.nats.Thaw()
		case 4:
			l.restart(i, false)
		case 5:
			l.restart(i, true)
		}
	}
}

// restart ends a node and starts another one in its place, which clients ask as soon as it is there.
func (l *clusterTrial) restart(i int, died bool) {
	before := l.nodes[i]
	after := startNode(l.t, l.servers, before.name+"x", l.store)
	l.mu.Lock()
	l.nodes[i] = after
	l.mu.Unlock()
	before.stop(died)
}
