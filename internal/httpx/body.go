package httpx

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"
)

// Media types of request bodies.
const (
	MediaJSON   = "application/json"
	MediaNDJSON = "application/x-ndjson"
)

// BodyLimit is the longest body of an ordinary request, in bytes.
const BodyLimit = 4 << 20

// keptBuffer is the longest buffer that goes back to the pool, so that one large body does not hold memory for ever.
const keptBuffer = 1 << 20

// presized is how much memory a body gets on the word of its Content-Length alone.
const presized = 64 << 10

// Body is a request body that was read whole. Its bytes are valid until Release.
type Body struct{ buf bytes.Buffer }

//nolint:gochecknoglobals // a pool
var bodies = sync.Pool{New: func() any { return new(Body) }}

// ReadBody reads a body of application/json whole, of at most limit bytes. It fails with unsupported_media_type,
// too_large, or malformed_request where the body is empty or breaks off.
func ReadBody(c echo.Context, limit int64) (*Body, error) {
	r := c.Request()
	if _, err := MediaType(r, MediaJSON); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, refuseRest(r, limit)
	}
	body, ok := bodies.Get().(*Body)
	if !ok {
		body = new(Body)
	}
	body.buf.Reset()
	if r.ContentLength > 0 {
		body.buf.Grow(int(min(r.ContentLength, presized)) + bytes.MinRead)
	}
	// One byte more than the limit tells a body that is too long from one that just fits.
	n, err := body.buf.ReadFrom(&io.LimitedReader{R: r.Body, N: limit + 1})
	switch {
	case err != nil:
		body.Release()
		return nil, readFault(err)
	case n > limit:
		body.Release()
		return nil, refuseRest(r, limit)
	case n == 0:
		body.Release()
		return nil, NewProblem(CodeMalformedRequest, "The request has no body; a JSON object is expected.").
			At("", "a JSON object is expected")
	}
	return body, nil
}

// Bytes are the body, until Release.
func (b *Body) Bytes() []byte { return b.buf.Bytes() }

// Release gives the body's memory back.
func (b *Body) Release() {
	if b.buf.Cap() <= keptBuffer {
		bodies.Put(b)
	}
}

// ReadJSON reads a body of application/json, of at most limit bytes, into a value, strictly: unknown members, repeated
// names, invalid UTF-8, wrong types and anything after the value are malformed_request with a pointer to the fault.
func ReadJSON(c echo.Context, limit int64, into any) error {
	body, err := ReadBody(c, limit)
	if err != nil {
		return err
	}
	defer body.Release()
	return DecodeJSON(body.Bytes(), into)
}

// DecodeJSON decodes one JSON value as strictly as [ReadJSON] does.
func DecodeJSON(data []byte, into any) error {
	if err := json.Unmarshal(data, into, json.RejectUnknownMembers(true)); err != nil {
		return Malformed(err)
	}
	if jsontext.Value(data).Kind() == 'n' { // which leaves the value as it was
		return NewProblem(CodeMalformedRequest, "The body is null; a JSON object is expected.").At("", "a JSON object is expected")
	}
	return nil
}

// MediaType gives the one of the allowed media types that the request's body has, or unsupported_media_type. The only
// parameter that is let pass is charset=utf-8.
func MediaType(r *http.Request, allowed ...string) (string, error) {
	header := r.Header.Get(echo.HeaderContentType)
	if encoding := r.Header.Get(echo.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return "", NewProblem(CodeUnsupportedMedia, "The body has the content encoding %q; send it without one.", Clip(encoding))
	}
	for _, a := range allowed {
		if header == a {
			return a, nil
		}
	}
	media, params, err := mime.ParseMediaType(header)
	if err == nil {
		for _, a := range allowed {
			if media == a && onlyUTF8(params) {
				return a, nil
			}
		}
	}
	return "", NewProblem(CodeUnsupportedMedia, "The body is of type %q; send %s in UTF-8.",
		Clip(header), strings.Join(allowed, " or "))
}

func onlyUTF8(params map[string]string) bool {
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// drained is how much of a body that is too long is read all the same. Most clients look for an answer only after they
// have sent everything: one that is cut off before that sees a broken connection instead of the reason.
const drained = 64 << 20

// ReadUpTo reads a body of any type to its end, or limit bytes of it and one more, which tells that it is longer.
func ReadUpTo(c echo.Context, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(c.Request().Body, limit+1))
	if err != nil {
		return body, readFault(err)
	}
	return body, nil
}

// refuseRest reads the rest of a body that is too long, where the client is sending it already.
func refuseRest(r *http.Request, limit int64) *Problem {
	if r.Header.Get("Expect") == "" && r.ContentLength <= limit+drained {
		_, _ = io.CopyN(io.Discard, r.Body, drained) // what cannot be read changes nothing
	}
	return NewProblem(CodeTooLarge, "The body is longer than %d bytes.", limit)
}

// readFault is the problem of a body that cannot be read to its end.
func readFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return AsProblem(err)
	}
	return NewProblem(CodeMalformedRequest, "The body broke off before its end.").Because(err)
}
