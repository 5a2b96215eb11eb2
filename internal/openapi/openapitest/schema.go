package openapitest

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const documentURL = "mem:///openapi.json"

// description is the document, and a compiler of the schemas in it.
type description struct {
	root     any
	compiler *jsonschema.Compiler
	err      error // the first
}

func newDescription(document []byte) (*description, error) {
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	closed, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	closeObjects(closed)
	d := &description{root: root, compiler: jsonschema.NewCompiler()}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, closed); err != nil {
		return nil, fmt.Errorf("take the description as schemas: %w", err)
	}
	return d, nil
}

// closeObjects refuses members that are not described, wherever the description does not say that there may be some.
func closeObjects(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			closeObjects(item)
		}
	case map[string]any:
		for _, member := range v {
			closeObjects(member)
		}
		if _, listed := v["properties"].(map[string]any); listed && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
	}
}

// ref is where something stands in the document.
type ref struct{ pointer string }

// node is a part of the document; one that is not there has no value.
type node struct {
	d     *description
	at    ref
	value any
}

// at gives what stands somewhere, behind all references.
func (d *description) at(r ref) node {
	value := d.root
	for step := range strings.SplitSeq(strings.TrimPrefix(r.pointer, "#/"), "/") {
		object, _ := value.(map[string]any)
		value = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return d.node(r, value)
}

func (d *description) node(at ref, value any) node {
	if object, ok := value.(map[string]any); ok && len(object) == 1 {
		if target, ok := object["$ref"].(string); ok {
			found := d.at(ref{target})
			if !found.present() {
				d.fail(fmt.Errorf("%s: there is no %s", at.pointer, target))
			}
			return found
		}
	}
	return node{d: d, at: at, value: value}
}

func (d *description) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (n node) present() bool { return n.value != nil }

func (n node) text() string {
	text, _ := n.value.(string)
	return text
}

func (n node) isTrue() bool { return n.value == true }

func (n node) members() iter.Seq[string] {
	object, _ := n.value.(map[string]any)
	return maps.Keys(object)
}

func (n node) member(name string) node {
	object, _ := n.value.(map[string]any)
	at := ref{n.at.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)}
	return n.d.node(at, object[name])
}

func (n node) items() []node {
	list, _ := n.value.([]any)
	nodes := make([]node, len(list))
	for i, item := range list {
		nodes[i] = n.d.node(ref{fmt.Sprintf("%s/%d", n.at.pointer, i)}, item)
	}
	return nodes
}

// schema compiles the schema that the node is.
func (n node) schema() *jsonschema.Schema {
	if !n.present() {
		n.d.fail(fmt.Errorf("%s: want a schema", n.at.pointer))
		return nil
	}
	schema, err := n.d.compiler.Compile(documentURL + escapeFragment(n.at.pointer))
	if err != nil {
		n.d.fail(fmt.Errorf("%s: %w", n.at.pointer, err))
	}
	return schema
}

// escapeFragment writes braces, which paths of the description have, as a URL has them.
func escapeFragment(pointer string) string {
	return strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D").Replace(pointer)
}
