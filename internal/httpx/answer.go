package httpx

import (
	"strconv"

	"github.com/labstack/echo/v4"
)

// HeaderRevision carries the revision of a ledger: that of a command's last event, or that which an answer reflects.
const HeaderRevision = "Daybook-Revision"

// SetRevision sets the header Daybook-Revision of the answer.
func SetRevision(c echo.Context, revision uint64) {
	c.Response().Header().Set(HeaderRevision, strconv.FormatUint(revision, 10))
}

// Answer writes a whole JSON answer, ended by a line break for those who read it on a terminal. It says its length, so
// that a long one does not go out in chunks.
func Answer(c echo.Context, status int, body []byte) error {
	body = append(body, '\n')
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	return c.Blob(status, MediaJSON, body)
}
