package engine

import (
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// runSet are the runs of one kind, oldest first.
type runSet struct{ runs []*runs.Run }

// find gives the revisions at which there may be what has a digest, the greatest first.
func (s *runSet) find(digest uint64) ([]eventstore.Revision, error) {
	var found []eventstore.Revision
	var places []uint64
	for _, run := range slices.Backward(s.runs) {
		var err error
		if places, err = run.Find(places[:0], digest); err != nil {
			return nil, err //nolint:wrapcheck // names the run
		}
		for _, place := range slices.Backward(places) {
			found = append(found, eventstore.Revision(place))
		}
	}
	return found, nil
}

// drop takes out the runs that have nothing from a revision on.
func (s *runSet) drop(before eventstore.Revision) (dropped []*runs.Run) {
	s.runs = slices.DeleteFunc(s.runs, func(r *runs.Run) bool {
		old := eventstore.Revision(r.Most()) < before
		if old {
			dropped = append(dropped, r)
		}
		return old
	})
	return dropped
}

// replace puts a run, nil for none, in the place of those that were merged into it.
func (s *runSet) replace(merged []*runs.Run, by *runs.Run) {
	first := slices.Index(s.runs, merged[0])
	s.runs = slices.Delete(s.runs, first, first+len(merged))
	if by != nil {
		s.runs = slices.Insert(s.runs, first, by)
	}
}

func (s *runSet) add(r *runs.Run) {
	if r != nil {
		s.runs = append(s.runs, r)
	}
}

func (s *runSet) ids() []runs.ID {
	ids := make([]runs.ID, len(s.runs))
	for i, r := range s.runs {
		ids[i] = r.ID()
	}
	return ids
}

// many are those that are worth merging, if any are.
func (s *runSet) many() []*runs.Run {
	entries := make([]int, len(s.runs))
	for i, r := range s.runs {
		entries[i] = r.Entries()
	}
	return slices.Clone(s.runs[runs.Pick(entries):])
}

func (s *runSet) close() {
	for _, r := range s.runs {
		_ = r.Close() // nothing was written
	}
	s.runs = nil
}
