package commands_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// album keeps every snapshot that was saved. What is handed over goes to a directory, where there is one.
type album struct {
	dir string

	mu   sync.Mutex
	all  map[eventstore.Revision][]byte
	last []byte
}

func (a *album) Save(_ context.Context, _ string, at eventstore.Revision, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[at], a.last = b.Bytes(), b.Bytes()
	return nil
}

func (a *album) Load(context.Context, string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, nil
}

func (a *album) Remove(context.Context, string) error { return errors.New("nothing is to be dropped") }

func (a *album) Runs(stream string) *runs.Dir {
	if a.dir == "" {
		return nil
	}
	return runs.NewDir(filepath.Join(a.dir, stream))
}

// under is a ledger with clients that post, hold, capture, void, revert and describe at random, all at once.
type under struct {
	t       *testing.T
	store   *memstore.Store
	engines *commands.Engines
	rounds  int
}

func underLoad(t *testing.T, snapshots engine.Snapshots) *under {
	t.Helper()
	u := &under{t: t, store: memstore.New()}
	u.start(snapshots)
	if _, err := u.submit("", ledger.OpenLedger{Name: "books", Template: ledger.Wallets}); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *under) start(snapshots engine.Snapshots) {
	u.engines = commands.NewEngines(u.store, engine.Options{
		Clock: clock, Snapshots: snapshots, SnapshotEvery: 20, MaxBatchEvents: 16, KeepInMemory: 50,
	})
}

func (u *under) submit(key string, c ledger.Command) (commands.Result, error) {
	command := engine.Command[ledger.Command]{Command: c, Key: key, Request: envelope.Hash{1}}
	return u.engines.Submit(context.Background(), ledgername.Stream("books"),
		commands.Unit{Actor: "ann", Commands: []engine.Command[ledger.Command]{command}})
}

func (u *under) close() {
	u.t.Helper()
	if err := u.engines.Close(context.Background()); err != nil {
		u.t.Fatal(err)
	}
}

// run has clients send so many commands each. Whatever becomes of one, the next one is sent.
func (u *under) run(clients, each int) {
	var all sync.WaitGroup
	u.rounds++
	for client := range clients {
		random := rand.New(rand.NewPCG(uint64(client), uint64(u.rounds)))
		all.Go(func() {
			for i := range each {
				name := fmt.Sprintf("%d-%d-%d", u.rounds, client, i)
				if _, err := u.submit("key "+name, u.choose(random, name)); err != nil {
					u.t.Errorf("submit: %v", err)
				}
			}
		})
	}
	all.Wait()
}

func (u *under) choose(random *rand.Rand, name string) ledger.Command {
	account := address.Address(fmt.Sprintf("users:%d", random.IntN(2000)))
	amount := money.NewAmount(1 + random.Uint64N(50))
	moved := ledger.Movement{Reference: name, Entries: []ledger.Entry{
		{Account: "world", Asset: "USD/2", Side: ledger.Debit, Amount: amount},
		{Account: account, Asset: "USD/2", Side: ledger.Credit, Amount: amount},
	}}
	id := 1 + random.Uint64N(300)
	switch random.IntN(12) {
	case 0:
		return ledger.PlaceHold{Movement: moved}
	case 1:
		return ledger.CaptureHold{ID: id, Amount: money.NewAmount(1)}
	case 2:
		return ledger.VoidHold{ID: id}
	case 3:
		return ledger.SetAccountMetadata{Address: account, Patch: ledger.MetadataPatch{"name": &name}}
	case 4:
		return ledger.SetTransactionMetadata{ID: id, Patch: ledger.MetadataPatch{"name": &name}}
	case 5:
		return ledger.RevertTransaction{ID: id, Original: moved.Entries}
	case 6:
		return ledger.DeclareAssertion{Pattern: "users:*", Asset: "USD/2", Bounds: ledger.Bounds{GTE: new(money.Signed)}}
	case 7:
		return ledger.CloseAccount{Address: account}
	default:
		return ledger.PostTransaction{Movement: moved}
	}
}

// TestSnapshotsUnderLoadEqualTheLog: each is written while the ledger goes on, and is what the events up to it make.
func TestSnapshotsUnderLoadEqualTheLog(t *testing.T) {
	saved := &album{all: map[eventstore.Revision][]byte{}}
	u := underLoad(t, saved)
	u.run(8, 200)
	u.close()
	if len(saved.all) < 5 {
		t.Fatalf("there are %d snapshots", len(saved.all))
	}
	book, found := ledger.NewBook(), 0
	for recorded, err := range u.store.ReadStream(t.Context(), ledgername.Stream("books"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		evolveBy(t, book, &recorded)
		snapshot, taken := saved.all[recorded.Revision]
		if !taken {
			continue
		}
		found++
		if !bytes.HasSuffix(snapshot[:len(snapshot)-sha256.Size], book.AppendSnapshot(nil)) {
			t.Errorf("the snapshot at revision %d is not what the log makes", recorded.Revision)
		}
	}
	if found != len(saved.all) {
		t.Errorf("%d of %d snapshots are of an event", found, len(saved.all))
	}
}

func evolveBy(t *testing.T, book *ledger.Book, recorded *eventstore.Recorded) {
	t.Helper()
	sealed, err := envelope.Parse(recorded.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	event, err := ledger.Decode(recorded.Type, sealed.Schema, recorded.Data)
	if err == nil {
		err = ledger.Evolve(book, event)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReferencesOnTheDisk: a ledger whose references and keys went to the disk under load knows all of them, before and
// after a restart, and tells of each which transaction or hold has it.
func TestReferencesOnTheDisk(t *testing.T) {
	saved := &album{dir: t.TempDir(), all: map[eventstore.Revision][]byte{}}
	u := underLoad(t, saved)
	handedOver := func() bool {
		files, err := filepath.Glob(filepath.Join(saved.dir, "*", "names-*.run"))
		return err == nil && len(files) > 0
	}
	for range 100 {
		if u.run(4, 50); handedOver() {
			break
		}
	}
	if !handedOver() {
		t.Fatal("no references were handed over")
	}
	for range 2 {
		for recorded, err := range u.store.ReadStream(t.Context(), ledgername.Stream("books"), 0) {
			if err != nil {
				t.Fatal(err)
			}
			u.wantTaken(&recorded)
		}
		u.close()
		u.start(saved)
	}
	u.close()
}

// wantTaken asks for what an event took.
func (u *under) wantTaken(recorded *eventstore.Recorded) {
	u.t.Helper()
	sealed, err := envelope.Parse(recorded.Metadata)
	if err != nil {
		u.t.Fatal(err)
	}
	event, err := ledger.Decode(recorded.Type, sealed.Schema, recorded.Data)
	if err != nil {
		u.t.Fatal(err)
	}
	if sealed.Key != "" {
		r, err := u.submit(sealed.Key, ledger.CloseAccount{Address: "nobody"})
		if err != nil || !r.Answers[0].Replayed {
			u.t.Fatalf("key %q: got %+v, %v", sealed.Key, r, err)
		}
	}
	var id, hold uint64
	switch e := event.(type) {
	case ledger.TransactionPosted:
		id = e.ID
	case ledger.HoldPlaced:
		hold = e.ID
	}
	reference := ledger.ReferenceOf(event)
	if reference == "" {
		return
	}
	again := ledger.PlaceHold{Movement: ledger.Movement{Reference: reference, Entries: []ledger.Entry{
		{Account: "world", Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(1)},
		{Account: "users:1", Asset: "USD/2", Side: ledger.Credit, Amount: money.NewAmount(1)},
	}}}
	r, err := u.submit("", again)
	var rejection *ledger.Rejection
	if err != nil || !errors.As(r.Answers[0].Err, &rejection) || rejection.Code != ledger.ReferenceExists ||
		rejection.Transaction != id || rejection.Hold != hold {
		u.t.Fatalf("reference %q of %d, %d: got %+v, %v", reference, id, hold, rejection, err)
	}
}
