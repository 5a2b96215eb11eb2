package runner

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Status is what a generation of a projection is and does.
type Status struct {
	views.Generation

	// Wanted is the version of the code; the tables' own is Version.
	Wanted int
	// Position is up to where in the log the generation is known to have every event.
	Position string
	// Behind is how many events it lacks, at most BehindMax.
	Behind int
}

// BehindMax is where the counting of lacking events ends.
const BehindMax = 100_000

// Stopped are the live projections that are not being fed. Unlike [Runner.List] it reads neither the log nor checkpoints, so that a
// probe may ask it every second.
func (r *Runner) Stopped(ctx context.Context) ([]views.Generation, error) {
	tx, err := r.Views.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask which projections stopped: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var stopped []views.Generation
	err = tx.SelectContext(ctx, &stopped, tx.Rebind(`SELECT projection, generation, version, live, state, detail FROM generations
		WHERE live = 1 AND state = ? ORDER BY projection`), views.Stopped)
	if err != nil {
		return nil, fmt.Errorf("ask which projections stopped: %w", err)
	}
	return stopped, nil
}

// List tells how each projection does, and of generations that are being built too.
func (r *Runner) List(ctx context.Context) ([]Status, error) {
	tx, err := r.Views.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the projections: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var all []Status
	err = tx.SelectContext(ctx, &all, `SELECT g.projection, g.generation, g.version, g.live, g.state, g.detail,
		coalesce(p.position, '') AS position FROM generations g
		LEFT JOIN positions p ON p.projection = g.projection AND p.generation = g.generation
		ORDER BY g.projection, g.generation`)
	if err != nil {
		return nil, fmt.Errorf("list the projections: %w", err)
	}
	for i := range all {
		one := &all[i]
		for _, p := range r.Projections {
			if p.Model.Name == one.Projection {
				one.Wanted = p.Model.Version
			}
		}
		if one.Behind, err = r.behind(ctx, tx, one); err != nil {
			return nil, fmt.Errorf("count what projection %s lacks: %w", one.Projection, err)
		}
	}
	return all, nil
}

// behind counts the events after the generation's position that it does not have.
func (r *Runner) behind(ctx context.Context, tx *sqlx.Tx, one *Status) (int, error) {
	rows := []struct {
		Name     string `db:"name"`
		Revision uint64 `db:"revision"`
	}{}
	err := tx.SelectContext(ctx, &rows, tx.Rebind(`SELECT l.name, c.revision FROM checkpoints c
		JOIN ledger_ids l ON l.ledger_id = c.ledger_id WHERE c.projection = ? AND c.generation = ?`), one.Projection, one.Number)
	if err != nil {
		return 0, fmt.Errorf("read the checkpoints: %w", err)
	}
	next := make(map[string]uint64, len(rows))
	for _, row := range rows {
		next[row.Name] = row.Revision + 1
	}
	after := eventstore.Start
	if one.Position != "" {
		if after, err = eventstore.ParsePosition(one.Position); err != nil {
			return 0, fmt.Errorf("read the position: %w", err)
		}
	}
	lacking := 0
	for record, err := range r.Store.ReadAll(ctx, after) {
		if err != nil {
			return 0, fmt.Errorf("read the event store: %w", err)
		}
		if it, ok := itemOf(&record); ok && it.revision >= next[it.ledger] {
			if lacking++; lacking == BehindMax {
				break
			}
		}
	}
	return lacking, nil
}
