package queries

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// snapshot is one state of the database, as one ledger shows in it.
type snapshot struct {
	reader *reader
	ctx    context.Context //nolint:containedctx // a snapshot lives inside one call
	tx     *sqlx.Tx
	ledger int64
	heads  map[string]uint64
	// revision is the last that all projections in use have reached: what is read reflects it, and rows that are
	// later must not show.
	revision uint64
	// missed are the statements that were not yet prepared.
	missed []string
}

// view gives read one state of the database, and of the projections named.
func (r *reader) view(ctx context.Context, ledger string, projections []string, read func(s *snapshot) error) error {
	s := &snapshot{reader: r, ctx: ctx, heads: make(map[string]uint64, 4)}
	if err := s.open(ledger, projections, read); err != nil {
		return err
	}
	for _, text := range s.missed {
		_, _ = r.stmt(ctx, text) //nolint:sqlclosecheck // it is kept; what was asked has been read; if this fails, the next one tries again
	}
	return nil
}

func (s *snapshot) open(ledger string, projections []string, read func(s *snapshot) error) error {
	r, ctx := s.reader, s.ctx
	conn, err := r.db.Connx(ctx) // the one wait that must end with ctx
	if err != nil {
		return fmt.Errorf("connect to the views: %w", r.failed(err))
	}
	defer func() { _ = conn.Close() }()
	tx, err := r.begin(context.WithoutCancel(ctx), conn)
	if err != nil {
		return fmt.Errorf("begin to read the views: %w", r.failed(err))
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	s.tx = tx
	err = s.each(checkpointsSQL, []any{ledger}, func(rows *sql.Rows) error {
		var projection string
		var revision uint64
		err := rows.Scan(&projection, &s.ledger, &revision)
		s.heads[projection] = revision
		return err
	})
	if err != nil {
		return err
	}
	if s.revision, err = least(s.heads, projections); err != nil {
		return err
	}
	return read(s)
}

// each runs a statement in the snapshot and gives each row to scan.
func (s *snapshot) each(text string, args []any, scan func(*sql.Rows) error) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	ctx := context.WithoutCancel(s.ctx)
	if stmt := s.reader.kept(text); stmt != nil {
		rows, err := s.tx.StmtxContext(ctx, stmt).QueryContext(ctx, args...)
		return s.reader.eachRow(s.ctx, text, rows, err, scan)
	}
	s.missed = append(s.missed, text)
	rows, err := s.tx.QueryContext(ctx, s.reader.bind(text), args...)
	return s.reader.eachRow(s.ctx, text, rows, err, scan)
}

// listed is how many values a list of placeholders takes at most; see inList.
const listed = 256

// inList makes the placeholders and the arguments of "IN (…)" for at most listed ids. Lists are filled up by repetition, so
// that there are only a few texts of each statement to prepare.
func inList(ids []int64) (placeholders string, args []any) {
	const few = 8 // such as the assets of one account
	size := listed
	switch {
	case len(ids) == 1:
		size = 1
	case len(ids) <= few:
		size = few
	}
	args = make([]any, size)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)]
	}
	return strings.Repeat(", ?", size)[2:], args
}
