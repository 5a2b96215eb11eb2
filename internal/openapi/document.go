// Package openapi has the description of the HTTP API, and serves it: as JSON for programs at /openapi.json, and as a
// page for people at /docs.
//
// The description is openapi.yaml, written by hand. It comes in at build time and goes out over HTTP; nothing here reads
// requests by it or makes code of it. That it is true is what tests see to: package openapitest holds the traffic of
// tests to it, and tests of cmd/daybook its routes.
//
// Reading order: openapi.yaml, document.go, page.go, serve.go.
package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed openapi.yaml
var source []byte

// Document is the description as JSON, its members in the order in which they are written. Callers do not change it.
func Document() []byte { return document() }

// The source is part of the program: if it cannot be read, no test of this package passes.
var document = sync.OnceValue(func() []byte { //nolint:gochecknoglobals // made once from a constant
	data, err := toJSON(source)
	if err != nil {
		panic(fmt.Sprintf("openapi: %v", err))
	}
	return data
})

// toJSON rewrites YAML as JSON.
func toJSON(text []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("read the description: %w", err)
	}
	var out bytes.Buffer
	if err := writeNode(&out, &root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeNode(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.DocumentNode:
		return writeNode(out, n.Content[0])
	case yaml.MappingNode:
		return writeMembers(out, n)
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeNode(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return writeScalar(out, n)
	case yaml.AliasNode:
	}
	return fmt.Errorf("line %d: aliases are not used here; use $ref", n.Line)
}

func writeMembers(out *bytes.Buffer, n *yaml.Node) error {
	seen := make(map[string]bool, len(n.Content)/2)
	out.WriteByte('{')
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag != "!!str" || seen[key.Value] {
			return fmt.Errorf("line %d: %q is not a text, or is there twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeText(out, key.Value); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := writeNode(out, n.Content[i+1]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// writeScalar writes what JSON writes in the same way as it stands: numbers keep all their digits.
func writeScalar(out *bytes.Buffer, n *yaml.Node) error {
	if n.Tag == "!!str" {
		return writeText(out, n.Value)
	}
	if !json.Valid([]byte(n.Value)) {
		return fmt.Errorf("line %d: %s %q cannot be written as JSON; quote it", n.Line, n.Tag, n.Value)
	}
	out.WriteString(n.Value)
	return nil
}

func writeText(out *bytes.Buffer, text string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		return fmt.Errorf("write %q: %w", text, err)
	}
	out.Truncate(out.Len() - 1) // the line break of Encode
	return nil
}
