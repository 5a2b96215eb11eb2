package httpx

import (
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"
)

// HeaderRevision carries the revision of a ledger: that of a command's last event, or that which an answer reflects.
const HeaderRevision = "Daybook-Revision"

// SetRevision sets the header Daybook-Revision of the answer.
func SetRevision(c echo.Context, revision uint64) {
	c.Response().Header().Set(HeaderRevision, strconv.FormatUint(revision, 10))
}

// PathParam gives a parameter of the path, percent-decoded. Echo routes on the escaped path where it differs from the
// plain one ("a%2Fb"), and leaves its parameters escaped then, but not otherwise; this hides the difference. ok is false
// where the escapes are broken.
func PathParam(c echo.Context, name string) (value string, ok bool) {
	value = c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value, true
	}
	plain, err := url.PathUnescape(value)
	return plain, err == nil
}
