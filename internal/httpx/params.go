package httpx

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Bounds of ?wait=.
const (
	DefaultWait = 5 * time.Second
	MaxWait     = 60 * time.Second
)

// Params are the query parameters of a request, strictly: those that the handler names, each once. Its methods read
// them and note faults; after the last, Err tells all faults at once.
type Params struct {
	values url.Values
	faults []FieldError
}

// ReadParams reads the query parameters. A name that is not among those allowed, one that is given twice, and broken
// percent-encoding are malformed_request. The name "metadata[]" allows "metadata[k]" for every k.
func ReadParams(c echo.Context, allowed ...string) (*Params, error) {
	raw := c.Request().URL.RawQuery
	if raw == "" {
		return &Params{}, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, NewProblem(CodeMalformedRequest, "The query string is not well-formed.").
			At("?", "broken percent-encoding or separator").Because(err)
	}
	for name, given := range values {
		ok := permitted(name, allowed)
		name = Clip(name)
		if !ok {
			return nil, NewProblem(CodeMalformedRequest, "The query parameter %q is unknown here.", name).
				At("?"+name, "unknown parameter")
		}
		if len(given) > 1 {
			return nil, NewProblem(CodeMalformedRequest, "The query parameter %q is given %d times.", name, len(given)).
				At("?"+name, "given more than once")
		}
	}
	return &Params{values: values}, nil
}

func permitted(name string, allowed []string) bool {
	if family, _, ok := member(name); ok {
		return slices.Contains(allowed, family+"[]")
	}
	return !strings.HasSuffix(name, "[]") && slices.Contains(allowed, name)
}

// member splits "metadata[k]".
func member(name string) (family, key string, ok bool) {
	family, rest, found := strings.Cut(name, "[")
	if !found || !strings.HasSuffix(rest, "]") || len(rest) < 2 {
		return "", "", false
	}
	return family, rest[:len(rest)-1], true
}

// Fault notes that a parameter has a value that it cannot have.
func (p *Params) Fault(name, detail string) {
	p.faults = append(p.faults, FieldError{Pointer: "?" + name, Detail: detail})
}

// Err is the invalid_field of all faults noted, or nil.
func (p *Params) Err() error {
	if len(p.faults) == 0 {
		return nil
	}
	return InvalidField(p.faults...)
}

// String reads a parameter. given is false where it is absent or empty.
func (p *Params) String(name string) (value string, given bool) {
	value = p.values.Get(name)
	return value, value != ""
}

// Uint reads a whole number.
func (p *Params) Uint(name string) (value uint64, given bool) {
	text, given := p.String(name)
	if !given {
		return 0, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		p.Fault(name, "must be a whole number")
		return 0, false
	}
	return value, true
}

// Moment reads a time or a date.
func (p *Params) Moment(name string) (value Moment, given bool) {
	text, given := p.String(name)
	if !given {
		return Moment{}, false
	}
	value, err := ParseMoment(text)
	if err != nil {
		p.Fault(name, err.Error())
		return Moment{}, false
	}
	return value, true
}

// Map reads the parameters name[k]=v.
func (p *Params) Map(name string) map[string]string {
	var m map[string]string
	for full, given := range p.values {
		family, key, ok := member(full)
		if !ok || family != name {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[key] = given[0]
	}
	return m
}

// MinRevision reads ?min_revision= and ?wait=: the revision that the answer must reflect at least, and how long to wait
// for it. Wait is a Go duration ("1.5s") or a number of seconds, from 0 to 60 s.
func (p *Params) MinRevision() (revision uint64, wait time.Duration, given bool) {
	revision, given = p.Uint("min_revision")
	wait = DefaultWait
	text, waits := p.String("wait")
	if !waits {
		return revision, wait, given
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d < 0 || d > MaxWait {
		p.Fault("wait", `must be a duration such as "500ms" or a number of seconds, from 0 to 60 seconds`)
		return revision, wait, given
	}
	return revision, d, given
}
