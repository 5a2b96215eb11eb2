package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// withDatabase makes a database on a PostgreSQL server for the time of some work, which it tells its URL.
func (l *lab) withDatabase(ctx context.Context, server string, work func(database string) error) (err error) {
	u, err := parsePostgres(server)
	if err != nil {
		return err
	}
	name := "daybook_bench_" + uuid.NewString()[:8]
	quoted := pgx.Identifier{name}.Sanitize()
	if err := execute(ctx, server, `CREATE DATABASE `+quoted); err != nil {
		return fmt.Errorf("make a database for the benchmark: %w", err)
	}
	defer func() {
		// Also when ctx has ended: it is a lot to leave behind.
		err = errors.Join(err, execute(context.WithoutCancel(ctx), server, `DROP DATABASE `+quoted+` WITH (FORCE)`))
	}()
	u.Path = "/" + name
	return work(u.String())
}

// parsePostgres keeps what stands in the URL to itself where it is none.
func parsePostgres(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("--postgres: want a URL such as postgres://user@host:5432/postgres")
	}
	return u, nil
}

// execute connects for one statement.
func execute(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
