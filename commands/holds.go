package commands

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

type holdBody struct {
	transactionBody

	ExpiresAt *string `json:"expires_at"`
	ExpiresIn *string `json:"expires_in"`
}

type captureBody struct {
	movementBody

	Amount numeral `json:"amount"`
	Final  *bool   `json:"final"`
}

// reasonBody is that of commands of which only the reason is left to say.
type reasonBody struct {
	Reason string `json:"reason"`
}

func (h *Handlers) placeHold(c echo.Context) error {
	var body holdBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	cmd, problem := body.command()
	if problem != nil {
		return problem
	}
	return h.inLedger(c, cmd, key, body.DryRun)
}

func (h *Handlers) captureHold(c echo.Context) error {
	var body captureBody
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

func (h *Handlers) voidHold(c echo.Context) error {
	var body reasonBody
	key, err := h.readOptional(c, &body)
	if err != nil {
		return err
	}
	var f faults
	cmd := ledger.VoidHold{ID: numberInPath(c), Reason: body.Reason}
	if problem := f.validated(cmd); problem != nil {
		return problem
	}
	return aboutPath(c, h.inLedger(c, cmd, key, false))
}

func (b *holdBody) command() (ledger.Command, *httpx.Problem) {
	var f faults
	b.moves(&f)
	cmd := ledger.PlaceHold{Movement: b.movement(&f), Preconditions: preconditions(&f, b.Preconditions)}
	if b.Late != nil {
		f.add("/late", "closed periods do not concern a hold, but its capture")
		cmd.Late = ledger.RefuseLate
	}
	cmd.ExpiresAt = moment(&f, "/expires_at", b.ExpiresAt)
	cmd.ExpiresIn = expiresIn(&f, b.ExpiresIn)
	return cmd, f.validated(cmd)
}

// item makes the command as a part of a bulk.
func (b *holdBody) item() (ledger.Command, *httpx.Problem) {
	cmd, problem := b.command()
	if problem == nil && b.DryRun {
		problem = httpx.InvalidField(httpx.FieldError{Pointer: "/dry_run", Detail: "a bulk has no dry runs"})
	}
	return cmd, problem
}

func expiresIn(f *faults, text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d <= 0 {
		f.add("/expires_in", `want a duration such as "72h" or "1h30m", more than 0`)
		return 0
	}
	return d
}

// command makes the command, with the faults in the hold's number if there were any.
func (b *captureBody) command(id uint64, f faults) (ledger.Command, *httpx.Problem) {
	cmd := ledger.CaptureHold{ID: id, Movement: b.movement(&f), Final: b.Final == nil || *b.Final}
	if b.Amount.given {
		var amount money.Amount
		var fault string
		if amount, fault = parseAmount(b.Amount); fault != "" {
			f.add("/amount", fault)
		}
		cmd.Amount = amount
	}
	return cmd, f.validated(cmd)
}
