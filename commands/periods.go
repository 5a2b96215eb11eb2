package commands

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

type periodBody struct {
	reasonBody

	Through string `json:"through"`
}

func (h *Handlers) closePeriod(c echo.Context) error {
	return h.period(c, func(through ledger.Day, reason string) ledger.Command {
		return ledger.ClosePeriod{Through: through, Reason: reason}
	})
}

func (h *Handlers) reopenPeriod(c echo.Context) error {
	return h.period(c, func(through ledger.Day, reason string) ledger.Command {
		return ledger.ReopenPeriod{Through: through, Reason: reason}
	})
}

func (h *Handlers) period(c echo.Context, command func(ledger.Day, string) ledger.Command) error {
	var body periodBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	var f faults
	through, err := ledger.ParseDay(body.Through)
	switch {
	case body.Through == "":
		f.add("/through", required)
	case err != nil:
		f.add("/through", reason(err))
	}
	cmd := command(through, body.Reason)
	if problem := f.validated(cmd); problem != nil {
		return problem
	}
	return h.inLedger(c, cmd, key, false)
}

func (h *Handlers) replaceChart(c echo.Context) error {
	var body chartBody
	key, err := h.read(c, &body)
	if err != nil {
		return err
	}
	var f faults
	cmd := ledger.ReplaceChart{Chart: body.chart(&f)}
	for i := range f { // there the chart is a field, here it is the body
		f[i].Pointer = strings.TrimPrefix(f[i].Pointer, "/chart")
	}
	if problem := f.validated(cmd); problem != nil {
		return problem
	}
	return h.inLedger(c, cmd, key, false)
}
