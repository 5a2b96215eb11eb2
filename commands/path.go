package commands

import (
	"errors"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// mediaMergePatch is the type of JSON merge patches (RFC 7396).
const mediaMergePatch = "application/merge-patch+json"

// readOptional is [Handlers.read] where all fields are optional: then the body may be left out.
func (h *Handlers) readOptional(c echo.Context, into any) (key string, err error) {
	if c.Request().ContentLength == 0 {
		return idempotencyKey(c)
	}
	return h.read(c, into)
}

// readPatch is [Handlers.read] for a body that may be called a merge patch.
func (h *Handlers) readPatch(c echo.Context, into any) (key string, err error) {
	media, err := httpx.MediaType(c.Request(), httpx.MediaJSON, mediaMergePatch)
	if err != nil {
		return "", err
	}
	if media == mediaMergePatch {
		c.Request().Header.Set(echo.HeaderContentType, httpx.MediaJSON)
	}
	return h.read(c, into)
}

// numberInPath reads the number of a hold or a transaction from the path: 0, which none has, where it is none.
func numberInPath(c echo.Context) uint64 {
	text := c.Param("id")
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || text[0] == '0' {
		return 0
	}
	return id
}

// accountInPath reads the address of an account from the path: none where no account can have it.
func accountInPath(c echo.Context) address.Address {
	text, ok := httpx.PathParam(c, "account")
	if !ok {
		return ""
	}
	account, fault := parseAddress(text)
	if fault != "" {
		return ""
	}
	return account
}

// aboutPath sets a problem right that is about what the path names: no field of the body is at fault for that, and what
// cannot exist is called as it was asked for.
func aboutPath(c echo.Context, err error) error {
	var p *httpx.Problem
	if !errors.As(err, &p) {
		return err
	}
	if len(p.Errors) == 1 && p.Errors[0].Pointer == "/address" {
		p.Errors = nil
	}
	given := c.Param("id")
	switch {
	case p.Code == httpx.CodeAccountNotFound && accountInPath(c) == "":
		text, _ := httpx.PathParam(c, "account")
		p.Detail = "The ledger has no account " + strconv.Quote(httpx.Clip(text)) + ": no account can have this address."
		p.Members = nil
	case (p.Code == httpx.CodeTransactionNotFound || p.Code == codeHoldNotFound) && numberInPath(c) == 0:
		p.Detail = "There is nothing with the number " + strconv.Quote(httpx.Clip(given)) + "; numbers are 1, 2, 3 and so on."
	}
	return p
}

const codeHoldNotFound httpx.Code = "hold_not_found"
