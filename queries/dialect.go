package queries

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/postgres"
)

// dialect is what has to be said to one database otherwise than to the other. All else of a statement is the same: joins are
// written in the order in which they are to be made, each step is found by an index, and a "+" before a column keeps the
// database from an index. SQLite takes CROSS JOIN so by itself; a connection to PostgreSQL is told to (package postgres).
type dialect struct {
	// bind writes the placeholders, "?" and "?1".
	bind func(text string) string
	// least is the function that gives the least of several numbers.
	least string
	// betweenFields is the expression for the character of that name.
	betweenFields string
	// placeOfCut is the place of the only row of cut, such that an index finds what is past it.
	placeOfCut string
	// walk begins a statement about the transactions of an account: see walkSQL.
	walk string
	// taken joins the transactions to what walk gives, in that order. Its argument is the ledger.
	taken string
	// begin begins a transaction that sees one state of the database, whatever becomes live meanwhile.
	begin func(ctx context.Context, db postgres.Beginner) (*sqlx.Tx, error)
	// isFault tells whether an error is the database's, so that it may not be one later.
	isFault func(err error) bool
}

// BeginView begins a transaction that reads one state of the read models, which were opened by [OpenViews]. Roll it back.
func BeginView(ctx context.Context, db *sqlx.DB) (*sqlx.Tx, error) {
	return dialectOf(db).begin(ctx, db)
}

func dialectOf(db *sqlx.DB) *dialect {
	if db != nil && db.DriverName() == "pgx" {
		return postgreSQL
	}
	return sqlite
}

var sqlite = &dialect{ //nolint:gochecknoglobals // never changed
	bind:          func(text string) string { return text },
	least:         `min`,
	betweenFields: `char(31)`,
	// Without the types of the columns: SQLite then compares places as the index has them.
	placeOfCut: `(SELECT +cut.day, +cut.nanos, +cut.transaction_id, +cut.idx FROM cut)`,
	walk:       walkQueue,
	taken:      ` FROM taken CROSS JOIN transactions t WHERE t.ledger_id = ? AND t.transaction_id = taken.transaction_id`,
	begin: func(ctx context.Context, db postgres.Beginner) (*sqlx.Tx, error) {
		return db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	},
	isFault: func(error) bool { return false },
}

var postgreSQL = &dialect{ //nolint:gochecknoglobals // never changed
	bind:          postgres.Bind,
	least:         `least`,
	betweenFields: `chr(31)`,
	placeOfCut:    `((SELECT cut.day FROM cut), (SELECT cut.nanos FROM cut), (SELECT cut.transaction_id FROM cut), (SELECT cut.idx FROM cut))`,
	walk:          walkHeads,
	// With the OFFSET the planner cannot turn the join round.
	taken: ` FROM taken CROSS JOIN LATERAL (
	SELECT x.* FROM transactions x WHERE x.ledger_id = ? AND x.transaction_id = taken.transaction_id OFFSET 0) t WHERE true`,
	begin:   postgres.BeginView,
	isFault: func(err error) bool { return postgres.IsFault(err) || postgres.IsMissing(err) },
}

// failed makes a problem of an error that is the database's.
func (d *dialect) failed(err error) error {
	if err == nil || !d.isFault(err) {
		return err
	}
	return httpx.NewProblem(httpx.CodeOverloaded, "The read models cannot be read at present.").Because(err)
}
