package httpx

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// longestRequestID bounds what clients may have us repeat in logs and events.
const longestRequestID = 128

// RequestID is the id of the request: the client's X-Request-Id where it sent a fit one, ours otherwise. It goes out
// in the header of the same name, into logs, and as correlation into events.
func RequestID(c echo.Context) string {
	return c.Response().Header().Get(echo.HeaderXRequestID)
}

// observe is the one middleware around every request. It is one rather than five because each layer costs an
// allocation and an indirection on the path that is measured.
func observe(o Options, m *metrics) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			start := time.Now()
			id := c.Request().Header.Get(echo.HeaderXRequestID)
			if !Visible(id, longestRequestID) {
				id = o.NewRequestID()
			}
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			if c.Request().Method == http.MethodOptions {
				c.Response().Before(func() { allowHead(c.Response().Header()) })
			}
			if err := recovered(next, c); err != nil {
				c.Error(err)
			}
			status, took := c.Response().Status, time.Since(start)
			m.observe(c, status, took)
			if ctx := c.Request().Context(); o.Logger.Enabled(ctx, debugLevel) {
				o.Logger.DebugContext(ctx, "request", "method", c.Request().Method, "path", c.Request().URL.Path,
					"status", status, "took", took, "bytes", c.Response().Size, "request_id", id, "peer", c.RealIP())
			}
			return nil
		}
	}
}

// recovered turns a panic into an error, but for the one that net/http itself wants to see.
func recovered(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler:
			panic(r)
		default:
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return next(c)
}

// randomID needs to be rare, not secret.
func randomID() string {
	var raw [8]byte
	n := rand.Uint64() //nolint:gosec // names a request, protects nothing
	for i := range raw {
		raw[i] = byte(n >> (8 * i))
	}
	return hex.EncodeToString(raw[:])
}
