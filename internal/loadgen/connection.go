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

// do sends one request and reads its answer. The body is valid until the next call.
func (c *connection) do(request []byte) (status int, body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, fmt.Errorf("send a request: %w", err)
	}
	status, length, err := c.readHeader()
	if err != nil {
		return 0, nil, fmt.Errorf("read the head of an answer: %w", err)
	}
	if err := c.readBody(length); err != nil {
		return 0, nil, fmt.Errorf("read the body of an answer: %w", err)
	}
	return status, c.body, nil
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

var (
	contentLength    = []byte("content-length:")
	transferEncoding = []byte("transfer-encoding: chunked")
)

// readHeader reads the status line and the header up to its end, and keeps the two numbers that matter.
func (c *connection) readHeader() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, 0, fmt.Errorf("status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("status line %q", line)
	}
	const unknown = -2
	length = unknown
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if bytes.EqualFold(line, transferEncoding) {
			length = chunked
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, 0, fmt.Errorf("header %q", line)
			}
		}
	}
	if length == unknown {
		return 0, 0, errors.New("an answer whose length is not told")
	}
	return status, length, nil
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

// merge puts the latencies of all connections into one ascending list.
func merge(parts [][]time.Duration) []time.Duration {
	all := slices.Concat(parts...)
	slices.Sort(all)
	return all
}
