package commands_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

// gated gives a first line, the rest when that is being submitted, and tells when it is at its end.
type gated struct {
	first, rest    io.Reader
	submitted, end chan struct{}
}

func (r gated) Read(p []byte) (int, error) {
	if n, _ := r.first.Read(p); n > 0 {
		return n, nil
	}
	<-r.submitted
	n, err := r.rest.Read(p)
	if errors.Is(err, io.EOF) {
		close(r.end)
	}
	return n, err
}

// TestAStreamThatFailsInTheMiddleOfAPiece: a line is about the transaction of one before it, so that what is taken from the
// stream at once is submitted in two parts. What was accepted of the first is told, though the second failed.
func TestAStreamThatFailsInTheMiddleOfAPiece(t *testing.T) {
	for because, says := range map[error]string{
		engine.ErrUnavailable: "could not be taken", engine.ErrOutcomeUnknown: "not known",
	} {
		submitted, end := make(chan struct{}), make(chan struct{})
		var once sync.Once
		h := houseOver(t, opened(t).store, func(inner commands.Submitter) commands.Submitter {
			return submitFunc(func(ctx context.Context, stream string, unit commands.Unit) (commands.Result, error) {
				if unit.DryRun {
					return inner.Submit(ctx, stream, unit)
				}
				if _, fails := unit.Commands[0].Command.(ledger.RevertTransaction); fails {
					return commands.Result{}, because
				}
				once.Do(func() { close(submitted) })
				<-end // what is left of the lines is taken at once then
				return inner.Submit(ctx, stream, unit)
			})
		})
		answer := h.postLines(toBulk, gated{lines(post(pay("users:alice", "users:bob", "1")), ""), lines(
			post(pay("users:alice", "users:bob", "10")),
			of("open_account", `{"address":" "}`),
			post(pay("users:alice", "users:bob", "5000")),
			of("revert_transaction", `{"id":3}`),
			of("open_account", `{"address":" "}`),
			"",
		), submitted, end}).want(503, "accepted=2", "rejected=2", "revision=6")
		if !strings.Contains(answer.at("detail"), says) {
			t.Errorf("%s", answer.Body)
		}
	}
}
