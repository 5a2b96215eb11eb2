package engine

import (
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// timeline tells which of a stream's events were recorded so long ago that their keys may be forgotten. Where the clock
// goes on by more than an hour from one event to the next it counts as one hour: a clock that is wrong for a while, and so
// moves a stream's recorded time far ahead for good, takes one hour of the time that keys are kept, and not all of it. A
// stream without events keeps its keys for longer, and has no new ones.
//
// It follows from the events alone, whatever engine reads them.
type timeline struct {
	last   time.Time     // the latest time that it was told; zero before
	passed time.Duration // by then
	marks  []mark        // in order, the first being the last one that is old enough to be forgotten up to
}

// mark says how much had passed when an event was recorded.
type mark struct {
	revision eventstore.Revision
	passed   time.Duration
}

// longestStep is what a step of the clock counts at most.
const longestStep = time.Hour

// pass is told that an event with that revision is being recorded, or may be. Marks are set as close as resolution.
func (t *timeline) pass(at time.Time, next eventstore.Revision, resolution time.Duration) {
	if t.last.IsZero() {
		t.last = at
	}
	// A clock that goes back and forth while nothing is recorded passes the same time again: that does not count twice.
	if step := at.Sub(t.last); step > 0 {
		t.passed += min(step, longestStep)
		t.last = at
	}
	if n := len(t.marks); n == 0 || t.passed-t.marks[n-1].passed >= resolution {
		t.marks = append(t.marks, mark{next, t.passed})
	}
}

// horizon gives the revision from which on events are younger than that, up to the resolution of the marks.
func (t *timeline) horizon(age time.Duration) eventstore.Revision {
	for len(t.marks) > 1 && t.marks[1].passed < t.passed-age {
		t.marks = t.marks[1:]
	}
	if len(t.marks) == 0 || t.marks[0].passed >= t.passed-age {
		return 0
	}
	return t.marks[0].revision
}
