package httpx

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ProblemType is the media type of every answer that is an error (RFC 9457).
const ProblemType = "application/problem+json"

// FieldError is a part of a request that is at fault. Pointer is a JSON pointer (RFC 6901) into the body, such as
// "/transfers/0/amount"; or "?" and the name of a query parameter; or the name of a header.
type FieldError struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Problem is the error that handlers return and clients see. Status and title follow from the code.
type Problem struct { //nolint:errname // RFC 9457 calls it so
	Code Code
	// Detail is a sentence that a person can act on. Empty stands for the explanation of the code.
	Detail string
	Errors []FieldError
	// Members come after the standard ones, in this order: what the problem is about.
	Members []Member

	cause error
}

// Member is an extension member of a problem. Value is a string, a bool, an integer, or something that marshals.
type Member struct {
	Name  string
	Value any
}

// NewProblem makes a problem of a code, with a detail in the manner of fmt.Sprintf.
func NewProblem(code Code, format string, args ...any) *Problem {
	if len(args) == 0 {
		return &Problem{Code: code, Detail: format}
	}
	return &Problem{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// MaxFieldErrors is how many fields at fault a problem lists.
const MaxFieldErrors = 20

// InvalidField is the problem of fields that have the right type and a wrong value. It lists the first of them.
func InvalidField(fields ...FieldError) *Problem {
	p := &Problem{Code: CodeInvalidField, Errors: fields[:min(len(fields), MaxFieldErrors)]}
	switch len(fields) {
	case 0:
	case 1:
		p.Detail = fmt.Sprintf("%s: %s.", fields[0].Pointer, fields[0].Detail)
	default:
		p.Detail = fmt.Sprintf("%s: %s; and %d more.", fields[0].Pointer, fields[0].Detail, len(fields)-1)
	}
	return p
}

// With adds an extension member, and returns the problem.
func (p *Problem) With(name string, value any) *Problem {
	p.Members = append(p.Members, Member{Name: name, Value: value})
	return p
}

// At adds a field at fault, and returns the problem.
func (p *Problem) At(pointer, detail string) *Problem {
	p.Errors = append(p.Errors, FieldError{Pointer: pointer, Detail: detail})
	return p
}

// Because keeps the error that led to the problem, for logs and errors.Is. Clients do not see it.
func (p *Problem) Because(err error) *Problem {
	p.cause = err
	return p
}

// Status is the HTTP status of the problem's code.
func (p *Problem) Status() int { return p.Code.entry().Status }

// Text is the detail that clients see.
func (p *Problem) Text() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Code.entry().Explanation
}

// Error gives the code, the detail and the cause.
func (p *Problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %s (%v)", p.Code, p.Text(), p.cause)
	}
	return string(p.Code) + ": " + p.Text()
}

// Unwrap gives the error that led to the problem, if one was kept.
func (p *Problem) Unwrap() error { return p.cause }

// Is makes errors.Is(err, &Problem{Code: c}) ask for the code.
func (p *Problem) Is(target error) bool {
	var other *Problem
	return errors.As(target, &other) && other.Code == p.Code
}

// MarshalJSON writes the problem document.
func (p *Problem) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// AppendJSON writes the problem document.
func (p *Problem) AppendJSON(b []byte) []byte {
	e := p.Code.entry()
	b = append(b, `{"type":"/problems/`...)
	b = append(b, p.Code...)
	b = append(b, `","title":`...)
	b = appendString(b, e.Title)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(e.Status), 10)
	b = append(b, ',')
	b = p.AppendMembers(b)
	return append(b, '}')
}

// AppendMembers writes the members that tell one problem from another (code, detail, errors and the extension
// members), without braces: they stand in a problem document and in the results of a bulk alike.
func (p *Problem) AppendMembers(b []byte) []byte {
	b = append(b, `"code":"`...)
	b = append(b, p.Code...)
	b = append(b, `","detail":`...)
	b = appendString(b, p.Text())
	if len(p.Errors) > 0 {
		b = append(b, `,"errors":[`...)
		for i, f := range p.Errors {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"pointer":`...)
			b = appendString(b, f.Pointer)
			b = append(b, `,"detail":`...)
			b = appendString(b, f.Detail)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	for _, m := range p.Members {
		b = append(b, ',')
		b = appendString(b, m.Name)
		b = append(b, ':')
		b = appendValue(b, m.Value)
	}
	return b
}

// Title is the short name of the problem's code.
func (p *Problem) Title() string { return p.Code.entry().Title }

// appendString writes a JSON string. What is not UTF-8 becomes U+FFFD, which the error, of no other use, says.
func appendString(b []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(b, s)
	return quoted
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return appendString(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return appendString(b, http.StatusText(http.StatusInternalServerError))
	}
	return append(b, data...)
}
