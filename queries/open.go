package queries

import (
	"net/url"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// viewsConnections is how many queries read at once: more only compete for the same processors.
const viewsConnections = 8

// OpenViews opens the read models for reading: the SQLite file at a path, or the PostgreSQL database of a URL. They are
// opened when they are first used, and must exist by then.
func OpenViews(place string) (*sqlx.DB, error) {
	open := openFile
	if postgres.IsURL(place) {
		open = openServer
	}
	db, err := open(place)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(viewsConnections)
	db.SetMaxIdleConns(viewsConnections)
	return db, nil
}

func openFile(path string) (*sqlx.DB, error) {
	settings := url.Values{
		"mode":    {"rw"}, // "ro" cannot open a write-ahead log that nobody else has open
		"_pragma": {"busy_timeout(5000)", "cache_size(-32768)", "mmap_size(1073741824)", "temp_store(MEMORY)", "query_only(1)"},
	}
	source := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: settings.Encode()}
	return sqlx.Open("sqlite", source.String())
}

func openServer(address string) (*sqlx.DB, error) {
	return postgres.Open(address, postgres.Settings{"default_transaction_read_only": "on"})
}
