package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/datadir"
)

// eventLog is an event store with what the program asks of it beyond the port.
type eventLog interface {
	eventstore.Store
	// Heads yields where each stream ends.
	Heads(ctx context.Context) iter.Seq2[eventstore.Head, error]
}

// auditedLog is an event store as an auditor reads it.
type auditedLog interface {
	audit.Log
	io.Closer
}

// logFlags say which event store a command works on.
type logFlags struct {
	Data  string `default:"data" placeholder:"DIR" help:"Directory of the event store and the read models (default: ${default})."`
	Store string `placeholder:"URL" help:"Keep the event store in the PostgreSQL database at this URL, such as postgres://user@host/database, instead of the data directory."`
}

// Validate refuses what names no event store. It keeps passwords to itself.
func (f *logFlags) Validate() error {
	if f.Store == "" {
		return nil
	}
	u, err := url.Parse(f.Store)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("--store: want a URL such as postgres://user@host/database")
	}
	return nil
}

// openLog opens the event store that the flags name, which the data directory has to belong to. It tells the identity of
// one that is not in the directory.
func (f *logFlags) openLog(
	ctx context.Context, dir *datadir.Dir, logger *slog.Logger, registerer prometheus.Registerer,
) (_ eventLog, identity string, err error) {
	if f.Store == "" {
		if err := dir.Belongs(""); err != nil {
			return nil, "", err
		}
		store, err := sqlstore.Open(ctx, dir.Events(), sqlstore.Options{Logger: logger, Registerer: registerer})
		if err != nil {
			return nil, "", err
		}
		return store, "", nil
	}
	store, err := pgstore.Open(ctx, f.Store, pgstore.Options{Logger: logger, Registerer: registerer})
	if err != nil {
		return nil, "", err
	}
	if err := dir.Belongs(store.ID()); err != nil {
		return nil, "", errors.Join(fmt.Errorf("the event store of --store: %w", err), store.Close())
	}
	return store, store.ID(), nil
}

// openAudited is openLog for an auditor: nothing is made or changed.
func (f *logFlags) openAudited(ctx context.Context, dir *datadir.Dir) (auditedLog, error) {
	if f.Store == "" {
		if err := dir.Belongs(""); err != nil {
			return nil, err
		}
		return sqlstore.OpenLog(ctx, dir.Events())
	}
	log, err := pgstore.OpenLog(ctx, f.Store)
	if err != nil {
		return nil, err
	}
	if err := dir.Belongs(log.ID()); err != nil {
		return nil, errors.Join(fmt.Errorf("the event store of --store: %w", err), log.Close())
	}
	return log, nil
}
