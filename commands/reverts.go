package commands

import (
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

type revertBody struct {
	reasonBody

	EffectiveAt *string `json:"effective_at"`
	Late        *string `json:"late"`
	Force       bool    `json:"force"`
}

func (h *Handlers) revertTransaction(c echo.Context) error {
	var body revertBody
	key, err := h.readOptional(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.command(numberInPath(c), nil)
	if problem != nil {
		return problem
	}
	return aboutPath(c, h.inLedger(c, cmd, key, false))
}

// command makes the command, with the faults in the transaction's number if there were any. What the transaction was
// posted with is looked up when the command is submitted.
func (b *revertBody) command(id uint64, f faults) (ledger.Command, *httpx.Problem) {
	said := movementBody{EffectiveAt: b.EffectiveAt, Late: b.Late}
	m := said.movement(&f)
	cmd := ledger.RevertTransaction{ID: id, Reason: b.Reason, EffectiveAt: m.EffectiveAt, Late: m.Late, Force: b.Force}
	return cmd, f.validated(cmd)
}
