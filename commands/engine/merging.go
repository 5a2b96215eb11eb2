package engine

import (
	"context"
	"errors"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// merging makes one run of several.
type merging struct {
	set    *runSet
	runs   []*runs.Run
	cancel context.CancelFunc

	done   chan struct{}
	merged *runs.Run // nil where nothing is left
	err    error
}

// startMerging merges runs, if that is worth it.
func (s *stream[S, C, E]) startMerging() {
	if s.snapshots.merging != nil {
		return
	}
	from := eventstore.Revision(0)
	set, kind := &s.register.oldNames, nameRuns
	list := set.many()
	if len(list) == 0 {
		set, kind = &s.register.oldKeys, keyRuns
		list = set.many()
		from = s.register.horizon(s.options.KeyRetention)
	}
	if len(list) == 0 {
		return
	}
	name := runName(kind, list[len(list)-1].Most())
	ctx, cancel := context.WithCancel(s.life)
	m := &merging{set: set, runs: list, cancel: cancel, done: make(chan struct{})}
	s.snapshots.merging = m
	go func() {
		defer close(m.done)
		m.merged, m.err = s.runs.Merge(ctx, name, list, uint64(from))
	}()
}

// stopMerging gives up what is being merged, and waits until nothing is done to the files any more.
func (s *stream[S, C, E]) stopMerging() {
	m := s.snapshots.merging
	if m == nil {
		return
	}
	s.snapshots.merging = nil
	m.cancel()
	<-m.done
	if m.merged == nil {
		return
	}
	if err := errors.Join(m.merged.Close(), s.runs.Remove([]string{m.merged.Name()})); err != nil {
		s.log.Warn("a run that no snapshot needs stays", "error", err)
	}
}

func (s *stream[S, C, E]) settleMerging(m *merging) {
	s.snapshots.merging = nil
	m.cancel()
	if m.err != nil {
		s.log.Warn("runs could not be merged", "runs", len(m.runs), "error", m.err)
		if errors.Is(m.err, runs.ErrDamaged) {
			s.drop(m.err)
		}
		return
	}
	m.set.replace(m.runs, m.merged)
	s.snapshots.retire(m.runs)
}
