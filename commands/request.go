package commands

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotent-Replayed"
	maxKey         = 255
	maxRules       = 100_000
	paramLedger    = "ledger"
)

// idempotencyKey reads the header, and refuses query parameters, of which commands have none.
func idempotencyKey(c echo.Context) (string, error) {
	if c.Request().URL.RawQuery != "" {
		if _, err := httpx.ReadParams(c); err != nil {
			return "", err
		}
	}
	given := c.Request().Header[headerKey]
	if len(given) == 0 {
		return "", nil
	}
	if len(given) > 1 || !fitKey(given[0]) {
		return "", httpx.InvalidField(httpx.FieldError{Pointer: headerKey, Detail: wantKey})
	}
	return given[0], nil
}

const wantKey = "want one key of 1 to 255 visible ASCII characters"

func fitKey(key string) bool { return httpx.Visible(key, maxKey) }

// ledgerName reads the path. A name that no ledger can have is one that does not exist.
func ledgerName(c echo.Context) (string, error) {
	name, ok := httpx.PathParam(c, paramLedger)
	if !ok || !ledgername.Fits(name) {
		return "", ledgerNotFound(name)
	}
	return name, nil
}

// LedgerOf tells which ledger a request to one of the handlers is about, if it has a name that a ledger can have. Where the body
// tells, that is read, and put back.
func LedgerOf(c echo.Context) (name string, ok bool) {
	if slices.Contains(c.ParamNames(), paramLedger) {
		name, err := ledgerName(c)
		return name, err == nil
	}
	r := c.Request()
	read, err := httpx.ReadUpTo(c, httpx.BodyLimit)
	rest := io.MultiReader(bytes.NewReader(read), r.Body)
	r.Body = struct {
		io.Reader
		io.Closer
	}{rest, r.Body}
	if err != nil {
		return "", false // the handler will find that out, too
	}
	var body struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(read, &body) != nil {
		return "", false
	}
	return body.Name, ledgername.Fits(body.Name)
}

// IsBulk tells whether a request asks for several things at once, each of which has a result of its own in the answer.
func IsBulk(c echo.Context) bool { return strings.HasSuffix(c.Request().URL.Path, "/bulk") }

func ledgerNotFound(name string) *httpx.Problem {
	return httpx.NewProblem(httpx.CodeLedgerNotFound, "There is no ledger %q. Open it first, or correct the name.", httpx.Clip(name))
}
