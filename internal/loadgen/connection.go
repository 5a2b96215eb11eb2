package loadgen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"
)

// connection is one keep-alive connection with at most one request under way.
type connection struct {
	net.Conn

	in     *bufio.Reader
	body   []byte
	chunks bytes.Buffer
}

func newConnection(c net.Conn) *connection {
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}
}

// answer is what a load looks at of an answer.
type answer struct {
	status     int
	retryAfter time.Duration // 0 where the answer does not tell
	body       []byte

	length int
}

// do sends one request and reads its answer. The body is valid until the next call.
func (c *connection) do(request []byte) (answer, error) {
	if _, err := c.Write(request); err != nil {
		return answer{}, fmt.Errorf("send a request: %w", err)
	}
	a, err := c.readHeader()
	if err != nil {
		return a, fmt.Errorf("read the head of an answer: %w", err)
	}
	if err := c.readBody(a.length); err != nil {
		return a, fmt.Errorf("read the body of an answer: %w", err)
	}
	a.body = c.body
	return a, nil
}

// chunked stands for the length of a body that comes in chunks.
const chunked = -1

func (c *connection) readBody(length int) error {
	if length == chunked {
		c.chunks.Reset()
		if _, err := c.chunks.ReadFrom(httputil.NewChunkedReader(c.in)); err != nil {
			return err
		}
		c.body = c.chunks.Bytes()
		_, err := c.in.Discard(len("\r\n")) // the chunked reader leaves the end of the trailer
		return err
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err := io.ReadFull(c.in, c.body)
	return err
}

const unknownLength = -2

var errNoLength = errors.New("an answer whose length is not told")

// readHeader reads the status line and the header up to its end, and keeps what matters.
func (c *connection) readHeader() (a answer, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return a, fmt.Errorf("status line %q", line)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("status line %q", line)
	}
	a.length = unknownLength
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if err := a.take(line); err != nil {
			return a, err
		}
	}
	if a.length == unknownLength {
		return a, errNoLength
	}
	return a, nil
}

// take keeps a line of the header if it matters.
func (a *answer) take(line []byte) (err error) {
	name, value, _ := bytes.Cut(line, []byte(": "))
	switch {
	case is(name, "Content-Length"):
		a.length, err = strconv.Atoi(string(value))
	case is(name, "Transfer-Encoding"):
		a.length = chunked
	case is(name, "Retry-After"):
		var seconds int
		seconds, err = strconv.Atoi(string(value))
		a.retryAfter = time.Duration(seconds) * time.Second
	}
	if err != nil {
		return fmt.Errorf("header %q: %w", line, err)
	}
	return nil
}

// is compares without allocating, and first what costs least: most lines are not those asked for.
func is(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// Get writes a whole GET request.
func Get(buf []byte, host, path string) []byte {
	buf = append(buf, "GET "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: "...)
	buf = append(buf, host...)
	return append(buf, "\r\n\r\n"...)
}

// Post writes a whole POST request with a JSON body.
func Post(buf []byte, host, path string, body []byte) []byte {
	buf = append(buf, "POST "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: "...)
	buf = append(buf, host...)
	buf = append(buf, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(len(body)), 10)
	buf = append(buf, "\r\n\r\n"...)
	return append(buf, body...)
}
