package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/datadir"
	"github.com/daybook-ledger/daybook/internal/postgres"
)

// logFlags say which event store a command works on, and where what is made of it is read.
type logFlags struct {
	Data  string `default:"data" placeholder:"DIR" help:"Directory of the event store and the read models (default: ${default})."`
	Store string `default:"sqlite" placeholder:"URL" help:"Where the event store is: sqlite for a file in the data directory, postgres://USER@HOST/DATABASE, or esdb://HOST:PORT for EventStoreDB or KurrentDB (default: ${default})."`
	Views string `default:"sqlite" placeholder:"URL" help:"Where the read models are: sqlite for a file in the data directory, or postgres://USER@HOST/DATABASE (default: ${default})."`
}

// inside is what --store and --views say of what is in the data directory.
const inside = "sqlite"

// storeKind is what keeps an event store.
type storeKind int

const (
	inSQLite storeKind = iota
	inPostgres
	inEventStoreDB
)

func (k storeKind) String() string {
	switch k {
	case inSQLite:
		return "SQLite"
	case inPostgres:
		return "PostgreSQL"
	case inEventStoreDB:
		return "EventStoreDB"
	default:
		return "none"
	}
}

// errNoKind is told of nothing that [logFlags.kind] gives.
var errNoKind = errors.New("no such kind of event store")

// kind tells where the event store is. Its error keeps passwords to itself.
func (f *logFlags) kind() (storeKind, error) {
	if f.Store == inside {
		return inSQLite, nil
	}
	scheme, _, found := strings.Cut(f.Store, "://") // not by url.Parse, which does not know EventStoreDB's lists of hosts
	switch {
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return inPostgres, nil
	case found && (scheme == "esdb" || scheme == "esdb+discover"):
		return inEventStoreDB, nil
	default:
		return 0, errors.New("--store: want sqlite, or a URL such as postgres://user@host/database or esdb://host:2113?tls=true")
	}
}

// Validate refuses what names no event store, or no database of read models.
func (f *logFlags) Validate() error {
	kind, err := f.kind()
	if err != nil {
		return err
	}
	switch kind {
	case inSQLite:
	case inPostgres:
		err = pgstore.CheckURL(f.Store)
	case inEventStoreDB:
		err = esdb.CheckURL(f.Store)
	}
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	return checkPlace(f.Views)
}

// checkPlace refuses what is no place of read models.
func checkPlace(place string) error {
	if place == inside {
		return nil
	}
	if !postgres.IsURL(place) {
		return errors.New("--views: want sqlite, or a URL such as postgres://user@host/database")
	}
	if err := postgres.CheckURL(place); err != nil {
		return fmt.Errorf("--views: %w", err)
	}
	return nil
}

// views is the place of the read models.
func (f *logFlags) views(dir *datadir.Dir) string {
	if f.Views == inside {
		return dir.Views()
	}
	return f.Views
}

// openedLog is an event store, and what the wiring wants to know of it.
type openedLog struct {
	eventstore.Store

	kind storeKind
	// identity is that of a store which is not in the data directory; empty for the one that is.
	identity string
	// heads yields where each stream ends; nil where the store cannot tell without reading all of them.
	heads func(ctx context.Context) iter.Seq2[eventstore.Head, error]
	// ready tells whether a store that is elsewhere can be reached; nil for the one that is not.
	ready func(ctx context.Context) error
}

// openLog opens the event store that the flags name, to which the data directory has to belong.
func (f *logFlags) openLog(
	ctx context.Context, dir *datadir.Dir, logger *slog.Logger, registerer prometheus.Registerer,
) (*openedLog, error) {
	kind, identity, err := f.locate(dir)
	if err != nil {
		return nil, err
	}
	switch kind {
	case inSQLite:
		s, err := sqlstore.Open(ctx, dir.Events(), sqlstore.Options{Logger: logger, Registerer: registerer})
		if err != nil {
			return nil, err
		}
		return &openedLog{Store: s, kind: kind, heads: s.Heads}, nil
	case inPostgres:
		s, err := pgstore.Open(ctx, f.Store, pgstore.Options{ID: identity, Logger: logger, Registerer: registerer})
		if err != nil {
			return nil, f.elsewhere(identity, err)
		}
		return &openedLog{Store: s, kind: kind, identity: s.ID(), heads: s.Heads, ready: s.Ready}, nil
	case inEventStoreDB:
		s, err := esdb.Open(ctx, f.Store, esdb.Options{ID: identity, Logger: logger, Registerer: registerer})
		if err != nil {
			return nil, f.elsewhere(identity, err)
		}
		return &openedLog{Store: s, kind: kind, identity: s.ID(), ready: s.Ready}, nil
	default:
		return nil, errNoKind
	}
}

// openMade is openLog for those who make no event store: where the data directory belongs to none yet they are refused.
func (f *logFlags) openMade(ctx context.Context) (*openedLog, *datadir.Dir, error) {
	dir, err := datadir.Inspect(f.Data)
	if err != nil {
		return nil, nil, err
	}
	kind, identity, err := f.locate(dir)
	if err == nil && kind != inSQLite && identity == "" {
		err = fmt.Errorf("%s belongs to no event store yet: daybook serve takes one into use", f.Data)
	}
	if err != nil {
		return nil, nil, err
	}
	log, err := f.openLog(ctx, dir, nil, nil)
	return log, dir, err
}

// auditedLog is an event store as an auditor reads it.
type auditedLog interface {
	audit.Log
	io.Closer
}

// openAudited is openLog for an auditor: nothing is made or changed.
func (f *logFlags) openAudited(ctx context.Context, dir *datadir.Dir) (log auditedLog, err error) {
	kind, identity, err := f.locate(dir)
	if err != nil {
		return nil, err
	}
	switch kind {
	case inSQLite:
		return sqlstore.OpenLog(ctx, dir.Events())
	case inPostgres:
		log, err = pgstore.OpenLog(ctx, f.Store, identity)
	case inEventStoreDB:
		log, err = esdb.OpenLog(ctx, f.Store, identity)
	default:
		err = errNoKind
	}
	if err != nil {
		return nil, f.elsewhere(identity, err)
	}
	return log, nil
}

// locate tells where the event store is, and the identity that one elsewhere has to have; empty for any. It refuses a data
// directory that belongs to a store in another place, before that is looked at.
func (f *logFlags) locate(dir *datadir.Dir) (kind storeKind, identity string, err error) {
	kind, err = f.kind()
	switch {
	case err != nil:
	case kind == inSQLite:
		err = dir.StoreInside()
	default:
		identity, err = dir.StoreElsewhere()
	}
	return kind, identity, err
}

// elsewhere says to which event store the data directory belongs, where one that is elsewhere cannot be opened.
func (f *logFlags) elsewhere(identity string, err error) error {
	if identity == "" {
		return err
	}
	return fmt.Errorf("%s belongs to the event store %s; --store: %w", f.Data, identity, err)
}
