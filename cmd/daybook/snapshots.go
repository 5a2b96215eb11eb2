package main

import (
	"context"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
)

// keepSnapshots has the engines' snapshots kept in the data directory, and those of a node shared with the other nodes. It is stopped
// after the engines, whose last snapshots stay here: who takes their ledgers over does not wait for them.
func (s *server) keepSnapshots(ctx context.Context) (engine.Snapshots, error) {
	here, err := engine.NewSnapshotFiles(s.dir.Snapshots())
	if err != nil || s.member == nil || s.settings.SharedSnapshots == 0 {
		return here, err
	}
	shared, err := snapshots.New(snapshots.Options{
		Conn: s.conn, Local: here, Log: s.store.identity, Kind: commands.SnapshotKind(), Worth: s.settings.SnapshotEvery,
		MaxBytes: s.settings.SharedSnapshots, Replicas: s.settings.NATSReplicas, Logger: s.logger, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	s.workers.Start(ctx, shared)
	return shared, nil
}
