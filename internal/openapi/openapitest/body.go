package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sink takes a body as it goes by. end says that no more comes, and whether all has come.
type sink interface {
	io.Writer
	end(whole bool)
}

// sink gives what takes the body of the answer, nil for nothing.
func (x *exchange) sink(d *answer) sink {
	media, _, _ := mime.ParseMediaType(x.answer.Get("Content-Type"))
	if media == "" && len(d.media) == 0 {
		return nil
	}
	schema, ok := d.media[media]
	if !ok {
		x.notef("the body is of type %q, which is not described", media)
		return nil
	}
	switch media {
	case "application/json", problemType:
		return &wholeBody{check: func(body []byte) { x.checkJSON(schema, body) }}
	case "application/x-ndjson":
		return &lines{check: func(line []byte) { x.checkJSON(schema, line) }}
	case "text/event-stream":
		return &lines{check: func(line []byte) {
			if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				x.checkJSON(schema, data)
			}
		}}
	}
	return nil
}

// wholeBody keeps a body up to its end. One that is very long goes unchecked.
type wholeBody struct {
	buf   bytes.Buffer
	check func([]byte)
}

const longestBody = 16 << 20

func (w *wholeBody) Write(p []byte) (int, error) {
	if w.buf.Len() <= longestBody {
		w.buf.Write(p)
	}
	return len(p), nil
}

// end checks what is whole, and what seems to be: a client need not read what follows the JSON.
func (w *wholeBody) end(whole bool) {
	if w.buf.Len() <= longestBody && (whole || json.Valid(w.buf.Bytes())) {
		w.check(w.buf.Bytes())
	}
}

// lines checks the first thousand lines of a body, and one in a hundred of those after.
type lines struct {
	part  []byte
	count int
	check func([]byte)
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		l.part = append(l.part, line...)
		if !found {
			return n, nil
		}
		p = rest
		l.line()
	}
}

func (l *lines) line() {
	l.part = bytes.TrimSuffix(l.part, []byte("\r"))
	if l.count++; len(l.part) > 0 && (l.count <= 1000 || l.count%100 == 0) {
		l.check(l.part)
	}
	l.part = l.part[:0]
}

func (l *lines) end(whole bool) {
	if whole {
		l.line()
	}
}

// requestBody gives what takes the body of a request, and what tells its first fault.
func (o *operation) requestBody(contentType string) (sink, func() string) {
	media, _, _ := mime.ParseMediaType(contentType)
	schema := o.bodies[media]
	if schema == nil {
		return nil, nil
	}
	var mu sync.Mutex // the request may still be on its way when its answer comes
	fault := ""
	check := func(body []byte) {
		if err := validJSON(schema, body); err != nil {
			mu.Lock()
			defer mu.Unlock()
			if fault == "" {
				fault = fmt.Sprintf("%v: %s", err, clip(body))
			}
		}
	}
	first := func() string {
		mu.Lock()
		defer mu.Unlock()
		return fault
	}
	if media == "application/x-ndjson" {
		return &lines{check: check}, first
	}
	return &wholeBody{check: check}, first
}

// validJSON validates the body of a request, in which null counts as absent but where it says something.
func validJSON(schema *jsonschema.Schema, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	err = schema.Validate(value)
	if err != nil && schema.Validate(withoutNulls(value)) == nil {
		return nil
	}
	return err
}

func withoutNulls(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, member any) bool { return member == nil })
		for name := range v {
			v[name] = withoutNulls(v[name])
		}
	}
	return value
}

// tee shows what is read to a sink.
type tee struct {
	io.ReadCloser

	sink sink
	once sync.Once
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	_, _ = t.sink.Write(p[:n]) // never fails
	if err != nil {
		t.once.Do(func() { t.sink.end(err == io.EOF) })
	}
	return n, err
}

func (t *tee) Close() error {
	t.once.Do(func() { t.sink.end(false) })
	return t.ReadCloser.Close()
}
