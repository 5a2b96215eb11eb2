package openapitest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// operation is an operation of the description with its schemas compiled.
type operation struct {
	id, method, path string
	segments         []string
	parameters       []parameter
	bodies           map[string]*jsonschema.Schema // by media type; nil where it takes none
	bodyRequired     bool
	answers          map[int]*answer
	examples         []Example
}

type parameter struct {
	name, in string
	required bool
	family   bool // name[key]=value
	schema   *jsonschema.Schema
}

// answer is an answer of the description.
type answer struct {
	media   map[string]*jsonschema.Schema
	headers map[string]header
}

type header struct {
	required bool
	schema   *jsonschema.Schema
}

// operationsOf reads the description. Of what it says it wants what can be tested, and all of that.
func operationsOf(document []byte) (operations []*operation, err error) {
	d, err := newDescription(document)
	if err != nil {
		return nil, err
	}
	paths := d.at(ref{"#/paths"})
	for path := range paths.members() {
		item := paths.member(path)
		for method := range item.members() {
			if method == "parameters" {
				continue
			}
			o := &operation{method: strings.ToUpper(method), path: path, segments: strings.Split(path, "/"), answers: map[int]*answer{}}
			if err := o.read(item, item.member(method)); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.method, path, err)
			}
			operations = append(operations, o)
		}
	}
	slices.SortFunc(operations, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return operations, d.err
}

func (o *operation) read(item, n node) error {
	o.id = n.member("operationId").text()
	for _, list := range []node{item.member("parameters"), n.member("parameters")} {
		for _, p := range list.items() {
			o.parameters = append(o.parameters, parameter{
				name: p.member("name").text(), in: p.member("in").text(), required: p.member("required").isTrue(),
				family: p.member("style").text() == "deepObject", schema: p.member("schema").schema(),
			})
		}
	}
	if body := n.member("requestBody"); body.present() {
		o.bodyRequired = body.member("required").isTrue()
		o.bodies = map[string]*jsonschema.Schema{}
		for media := range body.member("content").members() {
			content := body.member("content").member(media)
			o.bodies[media] = content.member("schema").schema()
			for name := range content.member("examples").members() {
				data, err := json.Marshal(content.member("examples").member(name).member("value").value)
				if err != nil {
					return fmt.Errorf("example %s: %w", name, err)
				}
				o.examples = append(o.examples, Example{Name: name, Media: media, Body: data})
			}
		}
	}
	for text := range n.member("responses").members() {
		status, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("the status %q is not a number", text)
		}
		o.answers[status] = describe(n.member("responses").member(text))
	}
	return nil
}

func describe(n node) *answer {
	a := &answer{media: map[string]*jsonschema.Schema{}, headers: map[string]header{}}
	for media := range n.member("content").members() {
		a.media[media] = n.member("content").member(media).member("schema").schema()
	}
	for name := range n.member("headers").members() {
		h := n.member("headers").member(name)
		a.headers[http.CanonicalHeaderKey(name)] = header{required: h.member("required").isTrue(), schema: h.member("schema").schema()}
	}
	return a
}

// find gives the operation of a request: of those whose paths match, the one with the most literal segments.
func (c *Checker) find(method, escapedPath string) *operation {
	segments := strings.Split(escapedPath, "/")
	var best *operation
	most := -1
	for _, o := range c.operations {
		if literal, ok := o.matches(segments); ok && o.method == method && literal > most {
			best, most = o, literal
		}
	}
	return best
}

func (o *operation) matches(segments []string) (literal int, ok bool) {
	if len(segments) != len(o.segments) {
		return 0, false
	}
	for i, want := range o.segments {
		switch {
		case want == segments[i]:
			literal++
		case !isTemplate(want):
			return 0, false
		}
	}
	return literal, true
}

func isTemplate(segment string) bool { return strings.HasPrefix(segment, "{") }
