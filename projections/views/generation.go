package views

import (
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// Model is what makes the tables of a read model: its name, the version of the code that fills them, and their shape.
type Model struct {
	Name    string
	Version int
	Tables  []Table
}

// State is what a generation of a read model is doing.
type State string

// The states. Building: being filled beside the live one. Running: live and fed. Stopped: live, but an event could not
// be applied; Detail says which and why.
const (
	Building State = "building"
	Running  State = "running"
	Stopped  State = "stopped"
)

// Generation is one set of a read model's tables.
type Generation struct {
	Projection string `db:"projection"`
	Number     int64  `db:"generation"`
	Version    int    `db:"version"`
	Live       bool   `db:"live"`
	State      State  `db:"state"`
	Detail     string `db:"detail"`
}

const selectGenerations = `SELECT projection, generation, version, live, state, detail FROM generations ORDER BY projection, generation`

// Generations are all there are, live and half-built.
func (tx *Tx) Generations() ([]Generation, error) {
	var all []Generation
	err := tx.Query(selectGenerations, nil, func(rows *sqlx.Rows) error {
		var one Generation
		if err := rows.StructScan(&one); err != nil {
			return fmt.Errorf("read a generation: %w", err)
		}
		all = append(all, one)
		return nil
	})
	return all, err
}

// CreateGeneration makes the tables of a read model's next generation, without the indexes beside the primary keys but the
// sparse ones.
func (tx *Tx) CreateGeneration(model Model) (Generation, error) {
	next := Generation{Projection: model.Name, Version: model.Version, State: Building}
	var err error
	if next.Number, err = tx.nextGeneration(model.Name); err != nil {
		return next, err
	}
	_, err = tx.Exec(`INSERT INTO generations (projection, generation, version, live, state, detail) VALUES (?, ?, ?, 0, ?, '')`,
		next.Projection, next.Number, next.Version, next.State)
	if err != nil {
		return next, err
	}
	for _, table := range model.Tables {
		if err := tx.Define(table.create(tx.db.backend.says(), next.Number)...); err != nil {
			return next, err
		}
	}
	return next, nil
}

// nextGeneration gives a number that no generation of the read model ever had. An earlier build does not note those that it gives.
func (tx *Tx) nextGeneration(projection string) (number int64, err error) {
	err = tx.Query(`SELECT max(g.generation) FROM (
		SELECT generation FROM last_generations WHERE projection = ?1
		UNION ALL SELECT generation FROM generations WHERE projection = ?1
		UNION ALL SELECT 0) AS g`, []any{projection}, func(rows *sqlx.Rows) error { return rows.Scan(&number) })
	if err != nil {
		return 0, err
	}
	number++
	_, err = tx.Exec(`INSERT INTO last_generations (projection, generation) VALUES (?, ?)
		ON CONFLICT (projection) DO UPDATE SET generation = excluded.generation`, projection, number)
	return number, err
}

// CreateIndexes completes a generation's tables. It is quicker once they are filled.
func (tx *Tx) CreateIndexes(model Model, generation Generation) error {
	for _, table := range model.Tables {
		if err := tx.Define(table.complete(tx.db.backend.says(), generation.Number)...); err != nil {
			return err
		}
	}
	return nil
}

// GoLive makes the views show a generation, in place of the one that was live. Readers see either all that was live before
// the transaction or all that is live after it.
func (tx *Tx) GoLive(model Model, generation Generation) error {
	if err := tx.db.backend.swap(tx); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE generations SET live = 0 WHERE projection = ?`, model.Name); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE generations SET live = 1, state = ?, detail = '' WHERE projection = ? AND generation = ?`,
		Running, model.Name, generation.Number)
	if err != nil {
		return err
	}
	for _, table := range model.Tables {
		if err := tx.Define(table.show(generation.Number)...); err != nil {
			return err
		}
	}
	return nil
}

// SetState records what a generation is doing, and why.
func (tx *Tx) SetState(generation Generation, state State, detail string) error {
	_, err := tx.Exec(`UPDATE generations SET state = ?, detail = ? WHERE projection = ? AND generation = ?`,
		state, strings.ToValidUTF8(detail, "�"), generation.Projection, generation.Number)
	return err
}

// DropGeneration removes a generation that is not live, and all that was noted about it.
func (tx *Tx) DropGeneration(model Model, generation Generation) error {
	for _, table := range model.Tables {
		if err := tx.Define(table.drop(generation.Number)); err != nil {
			return err
		}
	}
	tx.db.unprepare()
	for _, text := range []string{
		`DELETE FROM checkpoints WHERE projection = ? AND generation = ?`,
		`DELETE FROM positions WHERE projection = ? AND generation = ?`,
		`DELETE FROM generations WHERE projection = ? AND generation = ? AND live = 0`,
	} {
		if _, err := tx.Exec(text, generation.Projection, generation.Number); err != nil {
			return err
		}
	}
	return nil
}

// CreateMissing makes the first generation, live at once, of every read model that has none.
func (tx *Tx) CreateMissing(models []Model) error {
	all, err := tx.Generations()
	if err != nil {
		return err
	}
	live := make(map[string]bool)
	for _, one := range all {
		live[one.Projection] = live[one.Projection] || one.Live
	}
	for _, model := range models {
		if live[model.Name] {
			continue
		}
		first, err := tx.CreateGeneration(model)
		if err != nil {
			return err
		}
		if err := tx.CreateIndexes(model, first); err != nil {
			return err
		}
		if err := tx.GoLive(model, first); err != nil {
			return err
		}
	}
	return nil
}
