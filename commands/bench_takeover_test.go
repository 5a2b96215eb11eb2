package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// BenchmarkTakeOver is how long a node that never had a ledger of a million transactions, with a reference and an idempotency key each,
// takes until it has answered its first command: with the snapshots of the node that had it, and without. The event store is in
// PostgreSQL.
func BenchmarkTakeOver(b *testing.B) {
	const transactions, accounts = 1_000_000, 10_000
	store, err := pgstore.Open(b.Context(), pgtest.Start(b).Database(b), pgstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	conn, err := nats.Connect(natstest.URLs(natstest.New(b, nil)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	node := func(share bool) *commands.Engines {
		return commands.NewEngines(store, engine.Options{Snapshots: keptBy(b, conn, share)})
	}
	engines := node(true)
	benchSubmit(b, engines, commands.Unit{Commands: []engine.Command[ledger.Command]{
		{Command: ledger.OpenLedger{Name: "books", Template: ledger.Wallets}},
	}})
	for n := 0; n < transactions; {
		unit := commands.Unit{Actor: "anonymous"}
		for range 5000 {
			unit.Commands = append(unit.Commands, engine.Command[ledger.Command]{
				Command: funding(n, accounts, true), Key: fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n), Request: envelope.Hash{1},
			})
			n++
		}
		benchSubmit(b, engines, unit)
	}
	shared(b, conn, transactions-100_000)
	defer benchClose(b, engines) // after all, since it saves its last snapshot then
	question := commands.Unit{Commands: []engine.Command[ledger.Command]{{Command: funding(0, 1, false)}}, DryRun: true}
	for _, share := range []bool{true, false} {
		b.Run(fmt.Sprintf("shared=%t", share), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				taker := node(share)
				b.StartTimer()
				benchSubmit(b, taker, question)
				b.StopTimer()
				benchClose(b, taker)
				b.StartTimer()
			}
		})
	}
}

// keptBy is where a new node keeps snapshots.
func keptBy(b *testing.B, conn *nats.Conn, share bool) engine.Snapshots {
	b.Helper()
	here, err := engine.NewSnapshotFiles(filepath.Join(b.TempDir(), "snapshots"))
	if err != nil {
		b.Fatal(err)
	}
	if !share {
		return here
	}
	s, err := snapshots.New(snapshots.Options{Conn: conn, Local: here, Log: "books", Kind: commands.SnapshotKind()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return s
}

// shared waits until so many events are in a snapshot in NATS.
func shared(b *testing.B, conn *nats.Conn, events uint64) {
	b.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // nobody tells of it
		if at, bytes := snapshotIn(b, js); at+1 >= events {
			b.Logf("%d events, %d bytes in NATS", at+1, bytes)
			return
		}
		if time.Now().After(end) {
			b.Fatal("no snapshot was shared")
		}
	}
}

// snapshotIn is the revision of the snapshot in NATS, and how much there is of it; 0 for none.
func snapshotIn(b *testing.B, js jetstream.JetStream) (revision, bytes uint64) {
	b.Helper()
	messages, err := js.Stream(b.Context(), snapshots.Stream)
	if err != nil {
		return 0, 0
	}
	message, err := messages.GetLastMsgForSubject(b.Context(), "daybook.snapshots.ledger-books.manifest")
	if err != nil {
		return 0, 0
	}
	var manifest struct{ Revision uint64 }
	if err := json.Unmarshal(message.Data, &manifest); err != nil {
		b.Fatal(err)
	}
	return manifest.Revision, messages.CachedInfo().State.Bytes
}
