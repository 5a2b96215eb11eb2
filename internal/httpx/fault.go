package httpx

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Malformed turns an error of the JSON decoder into a malformed_request that points at the fault. An error that is a
// problem already stays what it is.
func Malformed(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	pointer, detail := fault(err)
	if cut, deep := shallow(pointer); deep {
		pointer, detail = cut, "nested too deeply"
	}
	pointer = Clip(pointer)
	where := "At " + pointer
	if pointer == "" {
		where = AtTop
	}
	return NewProblem(CodeMalformedRequest, "%s: %s.", where, detail).At(pointer, detail).Because(err)
}

// AtTop begins the detail of a fault that no field has.
const AtTop = "At the top of the body"

// deepest is how many steps a pointer has at most: twice what any request of the API needs. Without a bound a short
// request could have a long answer.
const deepest = 16

// shallow cuts a pointer after the step where it becomes too deep.
func shallow(pointer string) (cut string, deep bool) {
	steps := 0
	for i := range len(pointer) {
		if pointer[i] != '/' {
			continue
		}
		if steps++; steps > deepest {
			return pointer[:i], true
		}
	}
	return pointer, false
}

// Visible tells whether s is 1 to longest visible ASCII characters: what a client's name for something may be, where it
// is kept and said again.
func Visible(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Clip bounds what is said again of what clients sent.
func Clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func fault(err error) (pointer, detail string) {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		return string(syntactic.JSONPointer), syntax(syntactic)
	case errors.As(err, &semantic):
		return string(semantic.JSONPointer), meaning(semantic)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "", "the JSON breaks off before its end"
	}
	return "", "not a JSON value"
}

func syntax(err *jsontext.SyntacticError) string {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "the field is given twice"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON breaks off before its end"
	case err.Err != nil:
		return fmt.Sprintf("broken JSON at byte %d: %v", err.ByteOffset, err.Err)
	}
	return fmt.Sprintf("broken JSON at byte %d", err.ByteOffset)
}

func meaning(err *json.SemanticError) string {
	if errors.Is(err, json.ErrUnknownName) {
		return "unknown field"
	}
	if err.JSONKind != 0 && err.GoType != nil {
		return fmt.Sprintf("a JSON %s is not what is expected here", kindName(err.JSONKind))
	}
	if err.Err != nil {
		return err.Err.Error()
	}
	return "not what is expected here"
}

func kindName(k jsontext.Kind) string {
	switch k { //nolint:exhaustive // all others are arrays
	case 'n':
		return "null"
	case 'f', 't':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{', '}':
		return "object"
	default:
		return "array"
	}
}
