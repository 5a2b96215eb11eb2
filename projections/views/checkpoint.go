package views

import (
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// ErrOvertaken means that a checkpoint, or which generation is live, is not what it was when it was read: somebody else has
// changed it, or the database has lost its last commits. Nothing is lost that is not in the log: read again what there is
// and go on from there.
var ErrOvertaken = errors.New("these read models have changed since they were read")

// Session is the number of the connection that writes. Where it is not what it was, the database has been away meanwhile: it
// may be without its last commits (see the package's comment), so whatever was read of it has to be read again.
func (tx *Tx) Session() uint64 { return tx.db.session }

// Checkpoints are, for each ledger by name, the revision that a generation needs next.
func (tx *Tx) Checkpoints(generation Generation) (map[string]uint64, error) {
	next := make(map[string]uint64)
	err := tx.Query(`SELECT l.name, c.revision FROM checkpoints c JOIN ledger_ids l ON l.ledger_id = c.ledger_id
		WHERE c.projection = ? AND c.generation = ?`,
		[]any{generation.Projection, generation.Number}, func(rows *sqlx.Rows) error {
			var name string
			var revision uint64
			if err := rows.Scan(&name, &revision); err != nil {
				return fmt.Errorf("read a checkpoint: %w", err)
			}
			next[name] = revision + 1
			return nil
		})
	return next, err
}

// Advance moves a checkpoint from needing one revision next to needing another, if it is where the caller thinks it is;
// otherwise it fails with [ErrOvertaken].
func (tx *Tx) Advance(generation Generation, ledgerID int64, from, to uint64) error {
	var changed int64
	var err error
	if from == 0 {
		changed, err = tx.Exec(`INSERT INTO checkpoints (projection, generation, ledger_id, revision) VALUES (?, ?, ?, ?)
			ON CONFLICT (projection, generation, ledger_id) DO NOTHING`,
			generation.Projection, generation.Number, ledgerID, int64(to-1))
	} else {
		changed, err = tx.Exec(`UPDATE checkpoints SET revision = ?
			WHERE projection = ? AND generation = ? AND ledger_id = ? AND revision = ?`,
			int64(to-1), generation.Projection, generation.Number, ledgerID, int64(from-1))
	}
	if err != nil {
		return err
	}
	if changed != 1 {
		return fmt.Errorf("move the checkpoint of %s: %w", generation.Projection, ErrOvertaken)
	}
	return nil
}

// Position is up to where in the whole log a generation has every event, as text; empty before the first.
func (tx *Tx) Position(generation Generation) (string, error) {
	var position string
	err := tx.Query(`SELECT position FROM positions WHERE projection = ? AND generation = ?`,
		[]any{generation.Projection, generation.Number}, func(rows *sqlx.Rows) error { return rows.Scan(&position) })
	return position, err
}

// SetPosition notes up to where in the whole log a generation has every event.
func (tx *Tx) SetPosition(generation Generation, position string) error {
	_, err := tx.Exec(`INSERT INTO positions (projection, generation, position) VALUES (?, ?, ?)
		ON CONFLICT (projection, generation) DO UPDATE SET position = excluded.position`,
		generation.Projection, generation.Number, position)
	return err
}
