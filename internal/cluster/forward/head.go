package forward

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// head is what comes before the body of a request or an answer.
type head struct {
	// Method and Target are a request's: the target is the path with the query, as it came.
	Method string `json:"method,omitempty"`
	Target string `json:"target,omitempty"`
	// Peer is who sent the request, as host:port, and Node the node that it came to.
	Peer string `json:"peer,omitempty"`
	Node string `json:"node,omitempty"`
	// Status is an answer's.
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	// Length is that of the body in bytes, -1 where it is not known beforehand.
	Length int64 `json:"length"`
}

// maxHead is longer than any head that an HTTP server takes.
const maxHead = 1 << 20

var errHead = errors.New("the head of a message from another node cannot be read")

// writeMessage sends a message to its end.
func writeMessage(to *sender, m *message) error {
	if err := writeHead(to, &m.head); err != nil {
		return err
	}
	var body io.Writer = to
	if m.Length < 0 { // it comes little by little, and is not to be held back
		body = flushing{to}
	}
	if _, err := io.Copy(body, m.body); err != nil {
		return err
	}
	return to.Close()
}

// writeHead sends a head, after its length.
func writeHead(to *sender, h *head) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write the head of a message: %w", err)
	}
	_, err = to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...))
	return err
}

// readMessage reads the head of a message; the rest is its body.
func readMessage(from io.Reader) (message, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return message{}, errors.Join(errHead, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxHead {
		return message{}, errHead
	}
	var text bytes.Buffer
	if _, err := io.CopyN(&text, from, int64(n)); err != nil {
		return message{}, errors.Join(errHead, err)
	}
	m := message{body: from}
	if err := json.Unmarshal(text.Bytes(), &m.head); err != nil {
		return message{}, errors.Join(errHead, err)
	}
	return m, nil
}

// target is the path and the query as they were sent, in ASCII. The URL's own [url.URL.RequestURI] escapes a path anew that has
// letters in it beside escapes, and then an escaped slash is none any more.
func target(u *url.URL) string {
	path := u.RawPath
	if path == "" {
		path = u.EscapedPath()
	}
	if u.ForceQuery || u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	ascii := make([]byte, 0, len(path))
	for _, b := range []byte(path) {
		if b <= ' ' || b > '~' || b == '#' {
			ascii = fmt.Appendf(ascii, "%%%02X", b)
		} else {
			ascii = append(ascii, b)
		}
	}
	return string(ascii)
}

// endToEnd gives the headers that are about the request or the answer rather than about one connection.
func endToEnd(from http.Header) http.Header {
	h := from.Clone()
	for _, field := range from["Connection"] {
		for name := range strings.SplitSeq(field, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length",
	} {
		h.Del(name)
	}
	return h
}
