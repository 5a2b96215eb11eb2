package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/daybook-ledger/daybook/internal/client"
)

// historyOptions are those of benchmarks that need a ledger with a long history.
type historyOptions struct {
	benchOptions `embed:""`

	Data         string `placeholder:"DIR" env:"-" help:"Data directory that an earlier --data left; where there is none it is built, and kept (default: a new one, which is removed)."`
	Transactions int    `default:"1000000" help:"Transactions of a directory that is built (default: ${default})."`
	Accounts     int    `default:"100000" help:"Accounts of a directory that is built, each opened by one of the transactions (default: ${default})."`
}

// Validate refuses what cannot be measured.
func (o *historyOptions) Validate() error {
	if o.Accounts < 2 || o.Transactions < o.Accounts {
		return errors.New("--accounts must be at least 2, and --transactions no fewer than that")
	}
	return o.benchOptions.Validate()
}

// keepIn has several benchmarks share a history.
func (o *historyOptions) keepIn(dir string) { o.Data = dir }

// history is a data directory without a server, and what its ledger holds.
type history struct {
	dir              string
	posted, accounts int
}

// withHistory runs work on a data directory with a history: a new one, or the one that was asked for.
func (o *historyOptions) withHistory(ctx context.Context, lab *lab, work func(*history) error) error {
	if o.Data == "" {
		return lab.inNewDirectory(func(dir string) error {
			h, err := o.build(ctx, lab, dir)
			if err != nil {
				return err
			}
			return work(h)
		})
	}
	found, err := os.ReadDir(o.Data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at the data directory: %w", err)
	}
	if len(found) > 0 {
		h, err := adopt(ctx, lab, o.Data)
		if err != nil {
			return err
		}
		return work(h)
	}
	h, err := o.build(ctx, lab, o.Data)
	if err != nil {
		return errors.Join(err, os.RemoveAll(o.Data)) // half of a history is none
	}
	return work(h)
}

// build makes a history in an empty directory.
func (o *historyOptions) build(ctx context.Context, lab *lab, dir string) (h *history, err error) {
	lab.sayf("building %d transactions over %d accounts", o.Transactions, o.Accounts)
	s, err := lab.startServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	done := lab.progress("building", o.Transactions)
	if err := s.fund(ctx, 0, o.Accounts, done); err != nil {
		return nil, err
	}
	if err := s.transfer(ctx, o.Accounts, o.Transactions, o.Transactions, o.Accounts, done); err != nil {
		return nil, err
	}
	lab.sayf("waiting for the read models")
	return &history{dir: dir, posted: s.posted, accounts: o.Accounts}, s.verify(ctx)
}

// adopt takes over a directory that an earlier benchmark has left. Another one is refused: it will be posted to.
func adopt(ctx context.Context, lab *lab, dir string) (h *history, err error) {
	s, err := lab.startServer(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	ledger, err := s.Ledger(ctx, s.ledger, client.Query{MinRevision: new(uint64)})
	if err != nil || !maps.Equal(ledger.Metadata, benchMark) {
		return nil, errors.Join(fmt.Errorf("%s was not made by daybook bench, and is left alone", dir), err)
	}
	if _, err := s.settle(ctx); err != nil {
		return nil, err
	}
	if ledger, err = s.Ledger(ctx, s.ledger, client.Query{}); err != nil {
		return nil, err
	}
	const world = 1
	return &history{dir: dir, posted: int(ledger.Transactions), accounts: int(ledger.Accounts) - world}, nil
}

// row is about the directory itself.
func (h *history) row() (row, error) {
	r := row{name: "data directory"}
	r.set(colTransactions, float64(h.posted))
	r.set(colAccounts, float64(h.accounts))
	return r, h.setSizes(&r)
}

// setSizes sets what the directory takes, of which the log and the read models are parts.
func (h *history) setSizes(r *row) error {
	all, err := sizeOf(h.dir, "")
	if err != nil {
		return err
	}
	log, err := sizeOf(h.dir, "events.db")
	if err != nil {
		return err
	}
	views, err := sizeOf(h.dir, "views.db")
	if err != nil {
		return err
	}
	r.set(colOnDisk, float64(all)/mib)
	r.set(colDiskEach, ratio(float64(all), float64(h.posted)))
	r.set(colLogEach, ratio(float64(log), float64(h.posted)))
	r.set(colViewsEach, ratio(float64(views), float64(h.posted)))
	return nil
}

// sizeOf adds up the files below a directory whose names begin with a prefix. Files may go meanwhile.
func sizeOf(dir, prefix string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasPrefix(entry.Name(), prefix) {
			return ignoreGone(err)
		}
		info, err := entry.Info()
		if err == nil {
			bytes += info.Size()
		}
		return ignoreGone(err)
	})
	if err != nil {
		return 0, fmt.Errorf("measure a data directory: %w", err)
	}
	return bytes, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
