package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// Register adds /openapi.json and /docs.
func Register(e *echo.Echo) {
	e.GET("/openapi.json", constant(echo.MIMEApplicationJSON, Document(), "default-src 'none'; frame-ancestors 'none'"))
	e.GET("/docs", constant(echo.MIMETextHTMLCharsetUTF8, page(), policy()))
}

// constant serves what does not change while the program runs. Clients keep it, and ask each time whether it is still
// the same, so that an upgrade shows at once.
func constant(media string, body []byte, policy string) echo.HandlerFunc {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("ETag", tag)
		header.Set(echo.HeaderCacheControl, "no-cache")
		header.Set(echo.HeaderContentSecurityPolicy, policy)
		header.Set(echo.HeaderXContentTypeOptions, "nosniff")
		header.Set(echo.HeaderReferrerPolicy, "no-referrer")
		if has(c.Request().Header.Get("If-None-Match"), tag) {
			return c.NoContent(http.StatusNotModified)
		}
		header.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
		return c.Blob(http.StatusOK, media, body)
	}
}

// has tells whether a tag is in the list of If-None-Match, which compares weakly (RFC 9110, 13.1.2).
func has(list, tag string) bool {
	for given := range strings.SplitSeq(list, ",") {
		if given = strings.TrimSpace(given); given == "*" || strings.TrimPrefix(given, "W/") == tag {
			return true
		}
	}
	return false
}
