package httpx

import (
	"net/url"

	"github.com/labstack/echo/v4"
)

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
