package commands

import (
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

func (h *Handlers) closeAccount(c echo.Context) error {
	return h.ofAccount(c, func(a address.Address, reason string) ledger.Command {
		return ledger.CloseAccount{Address: a, Reason: reason}
	})
}

func (h *Handlers) reopenAccount(c echo.Context) error {
	return h.ofAccount(c, func(a address.Address, reason string) ledger.Command {
		return ledger.ReopenAccount{Address: a, Reason: reason}
	})
}

// ofAccount answers requests about the account in the path that say no more than why.
func (h *Handlers) ofAccount(c echo.Context, command func(address.Address, string) ledger.Command) error {
	var body reasonBody
	key, err := h.readOptional(c, &body)
	if err != nil {
		return err
	}
	var f faults
	if problem := f.validated(command(placeholder, body.Reason)); problem != nil {
		return problem
	}
	return aboutPath(c, h.inLedger(c, command(accountInPath(c), body.Reason), key, false))
}
