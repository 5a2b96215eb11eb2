package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// TestAHoldIsCapturedSoOftenAndNoMore: each event of a hold names all its captures. Were there no end to them, a hold
// captured unit by unit would write ever longer events, until none could be written that ends it.
func TestAHoldIsCapturedSoOftenAndNoMore(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	hold := held(1_000_000)
	hold.ExpiresAt = noon.Add(time.Hour)
	if err := submit(book, hold); err != nil {
		t.Fatal(err)
	}
	unit := ledger.CaptureHold{ID: 1, Amount: money.NewAmount(1)}
	for i := range ledger.MaxCaptures - 1 {
		if err := submit(book, unit); err != nil {
			t.Fatalf("capture %d: %v", i+1, err)
		}
	}
	var r *ledger.Rejection
	if err := submit(book, unit); !errors.As(err, &r) || r.Code != ledger.InvalidField || len(r.Fields) != 1 || r.Fields[0].Pointer != "/final" {
		t.Fatalf("one capture more, with something left: %v", err)
	}
	unit.Final = true
	if err := submit(book, unit); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if h, _ := book.Hold(1); h.Status != ledger.StatusCaptured {
		t.Errorf("the hold is %s", h.Status)
	}
}
