package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const problemType = "application/problem+json"

// exchange is a request and its answer.
type exchange struct {
	checker   *Checker
	operation *operation
	method    string
	url       *url.URL
	header    http.Header
	// bodyFault is what is wrong with the request's body, empty for nothing. It is known when the answer is.
	bodyFault func() string

	status int
	answer http.Header
}

func (x *exchange) notef(format string, args ...any) {
	x.checker.notef("%s %s: %d: %s", x.method, x.url.RequestURI(), x.status, fmt.Sprintf(format, args...))
}

// statusClientGone is what a server notes for a client that has left; it reaches nobody.
const statusClientGone = 499

// begun checks what is known when the header of the answer is there, and gives what takes its body.
func (x *exchange) begun() sink {
	if x.status == statusClientGone {
		return nil
	}
	if x.operation == nil {
		if x.status != http.StatusNotFound && x.status != http.StatusMethodNotAllowed {
			x.notef("no such operation is described")
		}
		return nil
	}
	x.checker.mu.Lock()
	x.checker.seen[seen{x.operation.id, x.status}] = true
	x.checker.mu.Unlock()
	if x.status == http.StatusMethodNotAllowed {
		x.notef("the operation is described")
		return nil
	}
	if x.status/100 == 2 {
		x.checkRequest()
	}
	described, ok := x.operation.answers[x.status]
	if !ok {
		x.notef("%s is not described to answer with this status", x.operation.id)
		return nil
	}
	x.checkHeaders(described)
	return x.sink(described)
}

func (x *exchange) checkRequest() {
	for _, p := range x.operation.parameters {
		for _, value := range x.given(p) {
			if err := validText(p.schema, value); err != nil {
				x.notef("was accepted with the parameter %s=%q: %v", p.name, value, err)
			}
		}
		if p.required && len(x.given(p)) == 0 {
			x.notef("was accepted without the parameter %s", p.name)
		}
	}
	for name := range x.url.Query() {
		family, _, isFamily := strings.Cut(name, "[")
		if !slices.ContainsFunc(x.operation.parameters, func(p parameter) bool {
			return p.in == "query" && p.family == isFamily && p.name == family
		}) {
			x.notef("was accepted with the parameter %s, which is not described", name)
		}
	}
	media, _, _ := mime.ParseMediaType(x.header.Get("Content-Type"))
	switch _, ok := x.operation.bodies[media]; {
	case x.operation.bodies == nil && media == "":
	case x.operation.bodies == nil && x.method == http.MethodGet:
	case !ok && (media != "" || x.operation.bodyRequired):
		x.notef("was accepted with a body of type %q", media)
	}
}

// given gives the values of a parameter in the request.
func (x *exchange) given(p parameter) []string {
	switch p.in {
	case "query":
		if p.family {
			return nil // a text under any key
		}
		return notEmpty(x.url.Query()[p.name])
	case "header":
		return notEmpty(x.header.Values(p.name))
	}
	segments := strings.Split(x.url.EscapedPath(), "/")
	for i, segment := range x.operation.segments {
		if segment == "{"+p.name+"}" {
			plain, err := url.PathUnescape(segments[i])
			if err != nil {
				return nil
			}
			return []string{plain}
		}
	}
	return nil
}

// notEmpty leaves out what stands for nothing.
func notEmpty(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
}

// guarded are headers that mean something, so that they must be described wherever they are sent.
var guarded = []string{"Daybook-Revision", "Location", "Idempotent-Replayed", "Retry-After", "Etag"} //nolint:gochecknoglobals // constants

func (x *exchange) checkHeaders(d *answer) {
	for name, h := range d.headers {
		value := x.answer.Get(name)
		switch {
		case value == "" && h.required:
			x.notef("has no header %s", name)
		case value != "":
			if err := validText(h.schema, value); err != nil {
				x.notef("header %s is %q: %v", name, value, err)
			}
		}
	}
	for _, name := range guarded {
		if _, ok := d.headers[name]; !ok && x.answer.Get(name) != "" {
			x.notef("has the header %s, which is not described", name)
		}
	}
}

// validText validates a text that stands for a string or, where the schema wants one, an integer.
func validText(schema *jsonschema.Schema, text string) error {
	if wantsInteger(schema) && json.Valid([]byte(text)) {
		return schema.Validate(json.Number(text))
	}
	return schema.Validate(text)
}

func wantsInteger(schema *jsonschema.Schema) bool {
	for ; schema != nil; schema = schema.Ref {
		if schema.Types != nil {
			return slices.Contains(schema.Types.ToStrings(), "integer")
		}
	}
	return false
}

// checkJSON checks a whole body.
func (x *exchange) checkJSON(schema *jsonschema.Schema, body []byte) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		x.notef("the body is not JSON: %v: %s", err, clip(body))
		return
	}
	if err := schema.Validate(value); err != nil {
		x.notef("%v: %s", err, clip(body))
	}
	object, _ := value.(map[string]any)
	if x.status >= http.StatusBadRequest && object["code"] != nil {
		if object["status"] != json.Number(strconv.Itoa(x.status)) || object["type"] != fmt.Sprintf("/problems/%v", object["code"]) {
			x.notef("status or type do not fit the problem: %s", clip(body))
		}
	}
	if x.status/100 == 2 && x.bodyFault != nil && allAccepted(object) {
		if fault := x.bodyFault(); fault != "" {
			x.notef("was accepted with a body that is not as described: %s", fault)
		}
	}
}

// allAccepted tells whether nothing of a request was refused: of a bulk some commands may have been.
func allAccepted(answer map[string]any) bool {
	if rejected, ok := answer["rejected"]; ok && rejected != json.Number("0") {
		return false
	}
	results, _ := answer["results"].([]any)
	return !slices.ContainsFunc(results, func(result any) bool {
		object, _ := result.(map[string]any)
		return object["code"] != nil
	})
}

func clip(body []byte) string {
	const most = 2000
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return strings.TrimSpace(string(body))
}
