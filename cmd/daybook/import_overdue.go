package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/client"
)

// isOverdue tells whether a hold is refused because it would have ended already.
func isOverdue(it *item, problem *client.Problem) bool {
	_, hold := it.command.(ledger.PlaceHold)
	return hold && slices.ContainsFunc(problem.Errors, func(f client.Field) bool { return strings.HasSuffix(f.Pointer, "/expires_at") })
}

// overdue leaves out a hold whose end has passed since the file was written: there is nothing left of it to set aside. One
// that was placed in time by an earlier import is there, whatever has become of it.
func (s *sender) overdue(ctx context.Context, it *item) error {
	movement, _ := it.movement()
	query := client.Query{Reference: movement.Reference, MinRevision: &s.revision, Wait: settleTime}
	found := uint64(0)
	for hold, err := range s.client.Holds(ctx, s.ledger, query) {
		if err != nil {
			return fmt.Errorf("%s: look for a hold with the reference %s: %w", it.at, movement.Reference, err)
		}
		found = hold.ID // the only one: references are unique
	}
	if found != 0 {
		return s.count(it, found, false)
	}
	s.leftOut = it.at
	fmt.Fprintf(s.errs, "daybook: %s: the end of this hold has passed, it is left out\n", it.at)
	return nil
}

// fits refuses a command on a hold after one was left out: the numbers of later holds are not what the file takes them for.
func (s *sender) fits(it *item) error {
	switch it.command.(type) {
	case ledger.CaptureHold, ledger.VoidHold:
		if s.leftOut != "" {
			return fmt.Errorf("%s: it names a hold by its number, and the one of %s was left out", it.at, s.leftOut)
		}
	}
	return nil
}
