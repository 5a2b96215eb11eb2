package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/projections/views"
)

var errBehind = errors.New("the rebuilt tables are behind the live ones: the event store lacks events that were applied")

// swap makes the builder's generations live. In one transaction, so while nobody else can write, it applies the rest of
// the log, makes sure that no ledger is less far than it was, and re-points the views.
func (r *Runner) swap(ctx context.Context, builder *group, models []views.Model) error {
	err := r.Views.Update(ctx, func(tx *views.Tx) error {
		if err := builder.check(tx); err != nil {
			return err
		}
		if err := r.finish(ctx, tx, builder); err != nil {
			return err
		}
		if err := builder.flush(tx); err != nil {
			return err
		}
		for i, m := range builder.members {
			if err := m.notBehind(tx); err != nil {
				return err
			}
			if err := tx.GoLive(models[i], m.generation); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("show the rebuilt tables: %w", err)
	}
	return nil
}

// finish applies what is left of the log within a transaction.
func (r *Runner) finish(ctx context.Context, tx *views.Tx, builder *group) error {
	after := builder.position()
	var items []item
	for record, err := range r.Store.ReadAll(ctx, after) {
		if err != nil {
			return fmt.Errorf("read the event store: %w", err)
		}
		if it, ok := itemOf(&record); ok {
			items = append(items, it)
		}
	}
	return builder.arrange(ctx, items, func(part []item, _ bool) error {
		events, err := builder.decode(ctx, part)
		if err != nil {
			return err
		}
		moved, err := builder.writeIn(tx, events, nil)
		if err == nil {
			builder.settle(moved)
		}
		return err
	})
}

// notBehind compares the checkpoints of a generation to be with those of the live one.
func (m *member) notBehind(tx *views.Tx) error {
	return tx.Query(`SELECT l.name, c.revision FROM live_checkpoints c JOIN ledger_ids l ON l.ledger_id = c.ledger_id
		WHERE c.projection = ?`, []any{m.name()}, func(rows *sqlx.Rows) error {
		var name string
		var revision uint64
		if err := rows.Scan(&name, &revision); err != nil {
			return fmt.Errorf("read a checkpoint: %w", err)
		}
		if m.next[name] <= revision {
			return fmt.Errorf("projection %s, ledger %q: %w", m.name(), name, errBehind)
		}
		return nil
	})
}
