package postgres

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// The driver is pgx's own, but that it escapes the texts that it is given, and takes the escape out of those that it reads. It
// does so here and not as the codec of a type, which pgx does not ask in all cases.

type connector struct{ driver.Connector }

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{inner.(*stdlib.Conn)}, nil //nolint:forcetypeassert // pgx's own
}

// Raw is the connection behind one of the driver, as [sql.Conn.Raw] gives it.
func Raw(driverConn any) *pgconn.PgConn {
	return driverConn.(*conn).Conn.Conn().PgConn() //nolint:forcetypeassert // there is no other
}

type conn struct{ *stdlib.Conn }

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	inner, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{inner.(*stdlib.Stmt)}, nil //nolint:forcetypeassert // pgx's own
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, query, stored(args))
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return plain(c.Conn.QueryContext(ctx, query, stored(args)))
}

type stmt struct{ *stdlib.Stmt }

// ExecContext implements [driver.StmtExecContext].
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.ExecContext(ctx, stored(args))
}

// QueryContext implements [driver.StmtQueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return plain(s.Stmt.QueryContext(ctx, stored(args)))
}

// stored escapes the texts among arguments, which are the driver's to change.
func stored(args []driver.NamedValue) []driver.NamedValue {
	for i := range args {
		if text, ok := args[i].Value.(string); ok {
			if as := Stored(text); as != text {
				args[i].Value = as
			}
		}
	}
	return args
}

// rows are those of pgx, of which the methods are hidden that would go past Next.
type rows struct{ driver.Rows }

func plain(inner driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, err
	}
	return rows{inner}, nil
}

// Next implements [driver.Rows].
func (r rows) Next(dest []driver.Value) error {
	if err := r.Rows.Next(dest); err != nil {
		return err
	}
	for i, value := range dest {
		if text, ok := value.(string); ok && strings.IndexByte(text, escape) >= 0 {
			dest[i] = plainText(text)
		}
	}
	return nil
}
