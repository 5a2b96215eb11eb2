package commands

import (
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
)

// What the engine's types are for ledgers.
type (
	// Engines has one engine for each ledger in use.
	Engines = engine.Engines[*ledger.Book, ledger.Command, ledger.Event]
	// Unit is what is submitted in one piece.
	Unit = engine.Unit[ledger.Command]
	// Result is what became of a unit.
	Result = engine.Result[ledger.Event]

	command = engine.Command[ledger.Command]
	answer  = engine.Answer[ledger.Event]
)

// Submitter is what the handlers need of the engines.
type Submitter interface {
	// Submit has a unit of commands decided against a stream, and returns when its outcome is durable.
	Submit(ctx context.Context, stream string, unit Unit) (Result, error)
}

// NewEngines makes the engines of ledgers over a store. Close them before the store. The options' logger and metrics are
// also told of assertions that break, by the engine that appends the event.
func NewEngines(store eventstore.Store, options engine.Options) *Engines {
	return engine.New(store, engine.Decider[*ledger.Book, ledger.Command, ledger.Event]{
		New:      ledger.NewBook,
		Decide:   decide,
		Evolve:   evolve,
		Begin:    (*ledger.Book).Begin,
		Commit:   (*ledger.Book).Commit,
		Rollback: (*ledger.Book).Rollback,
		Encode:   encode,
		Decode:   decode,
		Freeze:   func(b *ledger.Book, handOver bool) engine.Frozen { return b.Freeze(handOver) },
		Thaw:     (*ledger.Book).Thaw,
		Restore:  ledger.RestoreSnapshot,
		Names: engine.Names[*ledger.Book, ledger.Command, ledger.Event]{
			Of:     func(e ledger.Event) string { return ledger.ReferenceOf(plainEvent(e)) },
			Wanted: ledger.ReferenceWanted,
			Recall: func(b *ledger.Book, e ledger.Event) { b.Recall(plainEvent(e)) },
			Forget: forget,
		},
		Happened: newVerdicts(options).look,
	}, options)
}

// SnapshotKind tells the snapshots of this program from those of others, which its engines cannot read.
func SnapshotKind() string { return fmt.Sprintf("%s.%d", engine.SnapshotKind, ledger.SnapshotVersion) }

// forget takes what Freeze gave.
func forget(b *ledger.Book, handedOver engine.Frozen) {
	if f, ok := handedOver.(*ledger.Frozen); ok {
		b.Forget(f)
	}
}

func encode(e ledger.Event) (engine.Payload, error) {
	encoded, err := ledger.Encode(plainEvent(e))
	return engine.Payload{Type: encoded.Type, Schema: encoded.Version, Data: encoded.Data}, err
}

func decode(p engine.Payload) (ledger.Event, error) { return ledger.Decode(p.Type, p.Schema, p.Data) }
