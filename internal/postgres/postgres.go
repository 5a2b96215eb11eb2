// Package postgres opens PostgreSQL databases as the read models need them, whoever writes or reads there, and tells the
// troubles of a database from those of a statement. How much silence a connection bears is the same for all ([BoundSilence]), those
// of the event store too. It knows no table but by what is said of them here:
//
// Everything that Daybook keeps stands in the schema [Schema], which is the search path of every connection. Columns are
// BIGINT or TEXT COLLATE "C", so that texts sort by their bytes, as they do in Go and in SQLite. A text may hold U+0000,
// which PostgreSQL's cannot: connections write and read it by an escape (see escape.go and driver.go).
package postgres

import (
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
)

// Schema is where the read models stand.
const Schema = "views"

// IsURL tells whether a place is a PostgreSQL database rather than a file.
func IsURL(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}

// CheckURL refuses what cannot be the URL of a database, without connecting. Its error never holds a password.
func CheckURL(place string) error {
	_, err := parse(place, nil)
	return err
}

// Redacted is a place as it may be logged: without the password.
func Redacted(place string) string {
	if !IsURL(place) {
		return place
	}
	u, err := url.Parse(place)
	if err != nil {
		return "postgres://…"
	}
	return u.Redacted()
}

// Settings are run-time parameters of a server, such as "synchronous_commit".
type Settings map[string]string

// steps have the planner take statements as they are written: they are written as steps from row to row, each found by an
// index, in an order that fits whatever the tables hold. So nothing depends on when statistics were last taken.
var steps = Settings{ //nolint:gochecknoglobals // a constant table
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "enable_bitmapscan": "off",
	"join_collapse_limit": "1", "jit": "off",
	"default_transaction_isolation": "read committed", // whatever the database's default is
}

// Open gives connections to a database, which is connected to when it is first used. What the URL says goes before the
// settings.
func Open(place string, settings Settings) (*sqlx.DB, error) {
	config, err := parse(place, settings)
	if err != nil {
		return nil, err
	}
	return sqlx.NewDb(sql.OpenDB(connector{stdlib.GetConnector(*config)}), "pgx"), nil
}

func parse(place string, settings Settings) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(place)
	if err != nil {
		return nil, fmt.Errorf("read the address of a PostgreSQL database: %w", err) // which it redacts
	}
	for name := range config.RuntimeParams {
		if strings.HasPrefix(name, "pool_") {
			return nil, fmt.Errorf("the address %s: %s is for the event store; how many connections read models have is not to be set",
				Redacted(place), name)
		}
	}
	if err := BoundSilence(&config.Config); err != nil {
		return nil, fmt.Errorf("the address %s: %w", Redacted(place), err)
	}
	parameters := Settings{"application_name": "daybook", "search_path": Schema}
	maps.Copy(parameters, steps)
	maps.Copy(parameters, settings)
	maps.Copy(parameters, config.RuntimeParams)
	config.RuntimeParams = parameters
	return config, nil
}
