package commands

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// decodeTransaction reads the body of a transaction. It keeps nothing of data.
func decodeTransaction(data []byte) (cmd ledger.Command, dryRun bool, problem *httpx.Problem) {
	if cmd, dryRun, problem, ok := plainTransaction(string(data)); ok {
		return cmd, dryRun, problem
	}
	var body transactionBody
	if err := httpx.DecodeJSON(data, &body); err != nil {
		return cmd, false, httpx.AsProblem(err)
	}
	cmd, problem = body.command()
	return cmd, body.DryRun, problem
}

func (b *transactionBody) command() (ledger.Command, *httpx.Problem) {
	var f faults
	b.moves(&f)
	cmd := ledger.PostTransaction{Movement: b.movement(&f), Preconditions: preconditions(&f, b.Preconditions)}
	boxed := ledger.Command(cmd) // once, rather than at each call
	return boxed, f.validated(boxed)
}

// item makes the command as a part of a bulk.
func (b *transactionBody) item() (ledger.Command, *httpx.Problem) {
	cmd, problem := b.command()
	if problem == nil && b.DryRun {
		problem = httpx.InvalidField(httpx.FieldError{Pointer: "/dry_run", Detail: "a bulk has no dry runs"})
	}
	return cmd, problem
}
