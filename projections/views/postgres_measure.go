package views

import (
	"strings"

	"github.com/jmoiron/sqlx"
)

// PostgreSQL keeps the plan of a statement that is prepared until a table is measured anew. One that was made when a table had
// hardly any rows may read all of it, and goes on to when it has millions. The server measures by itself too, but once a
// minute at most, or never where that is switched off. So whoever writes has a table measured as it grows.
const (
	measuredLeast  = 1000
	measuredGrowth = 4 // times as many rows as when it was last measured
)

// size is how many rows a table had when it was measured, and how many were written since.
type size struct{ measured, written int64 }

// wrote notes that rows were written to a table, and whether it is to be measured when the transaction commits.
func (p *postgreSQL) wrote(tx *Tx, table string, rows int) error {
	s, known := p.sizes[table]
	if !known {
		s = &size{}
		err := tx.query(`SELECT CAST(greatest(reltuples, 0) AS BIGINT) FROM pg_class WHERE oid = to_regclass(?)`, []any{table},
			func(rows *sqlx.Rows) error { return rows.Scan(&s.measured) })
		if err != nil {
			return err
		}
		p.sizes[table] = s
	}
	s.written += int64(rows)
	if s.written >= max(measuredLeast, (measuredGrowth-1)*s.measured) {
		s.measured, s.written = s.measured+s.written, 0
		p.grown = append(p.grown, table)
	}
	return nil
}

// measure is the statement that measures what has grown; empty where nothing has. A table that somebody else is just tidying up,
// which may take hours, is passed over: to wait for that would have all wait who write.
func (p *postgreSQL) measure() string {
	if len(p.grown) == 0 {
		return ""
	}
	return postgreSQLDialect.measure + "(SKIP_LOCKED) " + strings.Join(p.grown, ", ") + "; "
}

// lookAgain forgets the sizes of what was to be measured: it was not if the transaction failed or the table was passed over.
func (p *postgreSQL) lookAgain() {
	for _, table := range p.grown {
		delete(p.sizes, table)
	}
	p.grown = nil
}
