package commands_test

import (
	"context"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// TestAnOriginalThatCannotBeRead: the account is open, and was answered without a look at the log; but the repetition is
// answered from the log, and has to wait until that can be read.
func TestAnOriginalThatCannotBeRead(t *testing.T) {
	store := storetest.NewFaulty(memstore.New())
	engines := commands.NewEngines(store, engine.Options{Clock: clock})
	defer engines.Close(context.Background())
	h := &house{t: t, echo: httpx.New(httpx.Options{})}
	commands.New(commands.Options{Ledgers: engines, Store: store}).Register(h.echo.Group("/v1"))
	h.post(toLedgers, `{"name":"books"}`).want(201)
	store.FailReads(eventstore.ErrUnavailable)
	h.post(toAccounts, `{"address":"a"}`, "Idempotency-Key: k").want(201, "revision=1")
	h.post(toAccounts, `{"address":"a"}`, "Idempotency-Key: k").want(503, "code=overloaded").wantHeader("Retry-After", "1")
	store.FailReads(nil)
	h.post(toAccounts, `{"address":"a"}`, "Idempotency-Key: k").want(201, "revision=1").wantHeader("Idempotent-Replayed", "true")
}
