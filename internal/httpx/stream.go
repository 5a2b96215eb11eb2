package httpx

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// StreamBody gives the request's body for reading as it comes, however long that takes in all: what is bounded is how
// long each single read may wait for the client. At the end of the body the bound is lifted.
func StreamBody(c echo.Context, idle time.Duration) io.Reader {
	Unbounded(c)
	return &streamBody{body: c.Request().Body, control: http.NewResponseController(c.Response()), idle: idle}
}

type streamBody struct {
	body    io.Reader
	control *http.ResponseController
	idle    time.Duration
}

func (s *streamBody) Read(p []byte) (int, error) {
	// A writer that has no deadlines, such as a recorder in a test, needs none set.
	_ = s.control.SetReadDeadline(time.Now().Add(s.idle))
	n, err := s.body.Read(p)
	if err != nil {
		_ = s.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
