package pgstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// TestAStandbyIsRefused until it is promoted: it does not know which appends are on their way. Neither is one opened, nor does a
// store that is open take to one when its server comes back as such.
func TestAStandbyIsRefused(t *testing.T) {
	server := pgtest.Start(t)
	database := server.Database(t)
	s := open(t, database, pgstore.Options{})
	mustAppend(t, s, "before")
	server.Kill()
	server.RestartAsStandby(t)

	const says = "it is a standby"
	if _, err := pgstore.Open(t.Context(), database, pgstore.Options{}); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("open: %v, want %q", err, says)
	}
	if _, err := pgstore.OpenLog(t.Context(), database, ""); err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("open the log: %v, want %q", err, says)
	}
	awaitNew := func() (err error) { // a statement that fails because its connection is gone has the others made anew
		for range 2 {
			for _, err = range s.ReadAll(t.Context(), eventstore.Start) {
			}
		}
		return err
	}
	if err := awaitNew(); !errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), says) {
		t.Errorf("read: %v, want that it is unavailable, and %q", err, says)
	}
	_, err := s.Append(t.Context(), "meanwhile", eventstore.NoStream(), some(1))
	if !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append: %v, want that it is unavailable", err)
	}

	pgtest.Execute(t, database, `SELECT pg_promote()`)
	mustAppend(t, s, "after")
	equal(t, "the log", streamsIn(t, s), "[before after]")
}
