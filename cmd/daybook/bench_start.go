package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alecthomas/kong"
)

// benchStartCmd is `daybook bench start`: how long a server with a long history takes to come up.
type benchStartCmd struct {
	historyOptions `embed:""`

	Tail int `default:"25000" help:"Transactions posted before the crash, which no snapshot has (default: ${default})."`
}

// Help says what is measured.
func (*benchStartCmd) Help() string {
	return `A data directory with many transactions is built (or taken with --data). Then, as often as --runs says, a server is started
on it after a proper stop, given --tail transactions, killed as by kill -9 as soon as they are acknowledged, started again, and
stopped. All times count from the start of the process:

"ready": /readyz answers 200. "first command": a command to the ledger was answered, for which its state had to be read from
the snapshot and the log after it. "caught up": every read model has everything.

"RSS", "heap" and "engine B/account" are the memory of the server after that: what it has, what is in use of it by Go code, and
what of that was allocated by the engine, for each account. The last is from Go's heap profile, a sample, which is only
right for many accounts.

The files were just written, so that they are read from memory rather than from the disk. Afterwards everything that was
acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchStartCmd) Validate() error {
	if c.Tail < 0 {
		return errors.New("--tail must not be below zero")
	}
	return c.historyOptions.Validate()
}

// Run measures and reports.
func (c *benchStartCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchStartCmd) measure(ctx context.Context, lab *lab) (rows []row, err error) {
	err = c.withHistory(ctx, lab, func(h *history) error {
		directory, err := h.row()
		if err != nil {
			return err
		}
		rows, err = lab.repeat(ctx, func(ctx context.Context) ([]row, error) { return c.starts(ctx, lab, h) })
		rows = append([]row{directory}, rows...)
		return err
	})
	return rows, err
}

// starts measures a start after a stop, and one after a crash.
func (c *benchStartCmd) starts(ctx context.Context, lab *lab, h *history) ([]row, error) {
	stopped, err := lab.start(ctx, h, "start after a stop", func(s *benchServer) error {
		err := s.transfer(ctx, h.posted, h.posted+c.Tail, h.posted+c.Tail, h.accounts, nobody)
		h.posted = s.posted
		s.Kill()
		return err
	})
	if err != nil {
		return nil, err
	}
	killed, err := lab.start(ctx, h, "start after kill -9", func(s *benchServer) error { return s.Stop() })
	return []row{stopped, killed}, err
}

// start measures how long a server takes to come up on a history, makes sure that everything is there, and hands the
// server over to be ended.
func (l *lab) start(ctx context.Context, h *history, name string, end func(*benchServer) error) (r row, err error) {
	l.sayf("%s", name)
	r.name = name
	begun := time.Now()
	s, err := l.startProfiled(ctx, h.dir)
	if err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			s.Kill()
		}
	}()
	s.posted = h.posted
	since := func(c column) { r.set(c, milliseconds(time.Since(begun))) }
	if err := s.awaitReady(ctx); err != nil {
		return r, err
	}
	since(colReady)
	if _, err := s.revision(ctx); err != nil {
		return r, err
	}
	since(colFirstAnswer)
	if _, err := s.settle(ctx); err != nil {
		return r, err
	}
	since(colCaughtUp)
	if err := s.measureMemory(ctx, &r, h.accounts); err != nil {
		return r, err
	}
	if err := s.verify(ctx); err != nil {
		return r, err
	}
	return r, end(s)
}

// awaitReady waits until the server says that it is ready.
func (s *benchServer) awaitReady(ctx context.Context) error {
	const patience = time.Minute
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		status, _, body, err := httpGet(ctx, s.BaseURL+"/readyz")
		if err != nil || status == http.StatusOK {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server is not ready after %s: %s", patience, body)
		}
	}
}
