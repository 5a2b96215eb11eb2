package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/runner"
)

const (
	killLedger  = "killed"
	killClients = 8
)

// TestDeployedKillUnderLoad kills the real program at random moments while clients post, again and again on one data directory.
// Each client repeats what it got no answer to, with the same idempotency key, until it has one. In the end everything
// that was acknowledged is in the log once, nothing is there twice, and the read models equal the log.
//
// Where there is more than that process, the event store is killed too from one round to the next, and of three NATS servers
// one is dead in each round. Appends that the killed process had sent may go on without it.
func TestDeployedKillUnderLoad(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { killUnderLoad(t, deploy(t)) })
}

// killUnderLoad runs the trial for some rounds, or many more where that is asked for.
func killUnderLoad(t *testing.T, d *deployment) {
	t.Helper()
	rounds := d.rounds
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		rounds *= 20
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	trial := &killTrial{acknowledged: map[string]client.Accepted{}}
	for round := range rounds {
		server := d.serve(t, "--snapshot-every", "300")
		if round == 0 {
			if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: killLedger, Template: "wallets"}, ""); err != nil {
				t.Fatal(err)
			}
		}
		trial.run(t, server, 20+random.IntN(400))
		d.harm(t)
	}
	d.heal(t)
	server := d.serve(t)
	last := trial.finish(t, server)
	checkStream(t, d.connect(t, server), last)
	if err := server.Stop(); err != nil {
		t.Fatalf("the server ends with %v", err)
	}
	if out := mustCommand(t, d.on("audit", "verify")...); !strings.Contains(out, " equal ") {
		t.Errorf("the audit did not compare the read models:\n%s", out)
	}
	checkLog(t, d, trial.acknowledged)
}

// killTrial is what the clients remember from one round to the next.
type killTrial struct {
	mu           sync.Mutex
	sent         [killClients]int // the number of each client's newest posting
	acknowledged map[string]client.Accepted
}

// run lets the clients post until so many postings were acknowledged, kills the server, and waits for the clients, who
// end at the first request that fails.
func (k *killTrial) run(t *testing.T, server *served, acknowledgements int) {
	t.Helper()
	left := make(chan struct{}, acknowledgements)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		for range acknowledgements {
			<-left
		}
		server.Kill()
	}()
	var clients sync.WaitGroup
	for i := range killClients {
		clients.Go(func() {
			for k.post(t.Context(), server, i) == nil {
				select {
				case left <- struct{}{}:
				case <-killed:
				}
			}
		})
	}
	clients.Wait()
	<-killed
}

// finish has each client repeat what it never got an answer to, and waits until the read models have everything.
func (k *killTrial) finish(t *testing.T, server *served) (last uint64) {
	t.Helper()
	for i := range killClients {
		if err := k.post(t.Context(), server, i); err != nil {
			t.Fatal(err)
		}
	}
	for _, answer := range k.acknowledged {
		last = max(last, answer.Revision)
	}
	if _, err := server.Ledger(t.Context(), killLedger, client.Query{MinRevision: &last, Wait: time.Minute}); err != nil {
		t.Fatal(err)
	}
	return last
}

// post sends the client's newest posting; once it is acknowledged the next one is the newest.
func (k *killTrial) post(ctx context.Context, server *served, who int) error {
	reference := fmt.Sprintf("%d-%d", who, k.sent[who])
	answer, err := server.Post(ctx, killLedger, client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: fmt.Sprintf("users:%d", k.sent[who]%7), Asset: "USD/2", Amount: "100"}},
		Reference: reference, Metadata: map[string]string{"client": fmt.Sprint(who)},
	}, reference)
	if err != nil {
		return err
	}
	k.sent[who]++
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acknowledged[reference] = answer
	return nil
}

// checkStream reads what NATS has with nothing but a NATS client: every event up to the last, at least once.
func checkStream(t *testing.T, conn *nats.Conn, last uint64) {
	t.Helper()
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := js.SubscribeSync("daybook.events."+killLedger+".>", nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	for seen := map[uint64]bool{}; uint64(len(seen)) <= last; {
		message, err := subscription.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatalf("NATS has %d of %d events: %v", len(seen), last+1, err)
		}
		seen[readEvent(t, message.Data).Revision] = true
	}
}

// checkLog reads the whole log and holds it against what was acknowledged, and then the read models against the log.
func checkLog(t *testing.T, d *deployment, acknowledged map[string]client.Accepted) {
	t.Helper()
	store := d.open(t)
	posted := readLog(t, store)
	for reference, answer := range acknowledged {
		at, ok := posted[reference]
		if !ok {
			t.Errorf("posting %s was acknowledged and is lost", reference)
		} else if at.id != answer.Transaction.ID || at.revision != answer.Revision {
			t.Errorf("posting %s is transaction %d at %d, but %d at %d was acknowledged", reference, at.id, at.revision, answer.Transaction.ID, answer.Revision)
		}
	}
	if len(posted) != len(acknowledged) {
		t.Errorf("%d postings are in the log, %d were acknowledged", len(posted), len(acknowledged))
	}
	t.Logf("%d postings acknowledged", len(acknowledged))

	config := runner.Config{Store: store, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler)}
	checkViews(t, config, d.views)
}

type placed struct{ id, revision uint64 }

// readLog makes sure that revisions have no gap, that hashes chain, that the book takes every event and no reference
// comes twice, and tells where each posting stands.
func readLog(t *testing.T, store eventstore.Store) map[string]placed {
	t.Helper()
	posted := map[string]placed{}
	book := ledger.NewBook()
	var previous envelope.Hash
	var next eventstore.Revision
	for record, err := range store.ReadStream(t.Context(), ledgername.Stream(killLedger), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if record.Revision != next {
			t.Fatalf("revision %d follows %d", record.Revision, next)
		}
		next++
		meta, err := envelope.Parse(record.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		place := envelope.Place{Stream: record.Stream, Revision: uint64(record.Revision), Type: record.Type}
		if err := meta.Verify(place, record.Data); err != nil || meta.Previous != previous {
			t.Fatalf("revision %d breaks the chain: %v", record.Revision, err)
		}
		previous = meta.Hash
		event, err := ledger.Decode(record.Type, meta.Schema, record.Data)
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.Evolve(book, event); err != nil {
			t.Fatalf("revision %d cannot follow: %v", record.Revision, err)
		}
		if transaction, ok := event.(ledger.TransactionPosted); ok {
			if _, twice := posted[transaction.Reference]; twice {
				t.Errorf("posting %s is in the log twice", transaction.Reference)
			}
			posted[transaction.Reference] = placed{transaction.ID, uint64(record.Revision)}
		}
	}
	return posted
}

// checkViews compares all tables with ones made from the log anew.
func checkViews(t *testing.T, config runner.Config, place string) {
	t.Helper()
	want, err := projectiontest.OfLog(t.Context(), config, filepath.Join(t.TempDir(), "anew.db"))
	if err != nil {
		t.Fatal(err)
	}
	live, err := projections.OpenViews(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	got, err := projectiontest.Of(t.Context(), live)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the read models differ from the log (-log +live):\n%s", diff)
	}
}
