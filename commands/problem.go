package commands

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/lag"
)

// problemOf is the one place where what the domain and the engine refuse becomes a problem.
func problemOf(err error) *httpx.Problem {
	var rejection *ledger.Rejection
	if errors.As(err, &rejection) {
		return rejected(rejection)
	}
	switch {
	case errors.Is(err, engine.ErrKeyReused):
		return &httpx.Problem{Code: httpx.CodeKeyReused}
	case errors.Is(err, engine.ErrTooLarge):
		return httpx.NewProblem(httpx.CodeTooLarge,
			"The request comes to more than is written in one piece, and this was not done. Split it.").Because(err)
	case errors.Is(err, engine.ErrOutcomeUnknown):
		return httpx.NewProblem(httpx.CodeOverloaded, "The store did not tell whether it had written the command. "+
			"Send it again with the same idempotency key, or look for its reference.").Because(err)
	case errors.Is(err, lag.ErrBehind):
		return httpx.NewProblem(httpx.CodeOverloaded,
			"What was accepted before has yet to reach the read models; nothing was done. Send the request again later.").Because(err)
	case errors.Is(err, engine.ErrOverloaded):
		return httpx.NewProblem(httpx.CodeOverloaded,
			"Too much is waiting for this ledger; nothing was done. Send the request again later.").Because(err)
	case errors.Is(err, engine.ErrUnavailable):
		return httpx.NewProblem(httpx.CodeOverloaded,
			"The store cannot be written at present; nothing was done. Send the request again later.").Because(err)
	case errors.Is(err, engine.ErrClosed):
		return httpx.NewProblem(httpx.CodeOverloaded,
			"The server is stopping; nothing was done. Send the request again later.").Because(err)
	}
	return httpx.AsProblem(err)
}

func rejected(r *ledger.Rejection) *httpx.Problem {
	fields := make([]httpx.FieldError, len(r.Fields))
	for i, f := range r.Fields {
		fields[i] = httpx.FieldError{Pointer: f.Pointer, Detail: f.Detail}
	}
	p := httpx.InvalidField(fields...)
	p.Code = httpx.Code(r.Code)
	// The detail of a shape names the field in the domain's form; the others are about the book.
	if r.Code != ledger.InvalidField || r.Account != "" || len(fields) == 0 {
		p.Detail = sentence(r.Detail)
	}
	about := func(name string, value any) { p.Members = append(p.Members, httpx.Member{Name: name, Value: value}) }
	if r.Account != "" {
		about("account", string(r.Account))
	}
	if r.Asset != "" {
		about("asset", string(r.Asset))
	}
	if r.Available != nil {
		about("available", r.Available.String())
	}
	if r.Balance != nil {
		about("balance", r.Balance.String())
	}
	if r.Required != nil {
		about("required", r.Required.String())
	}
	if r.Transaction != 0 {
		about("transaction", r.Transaction)
	}
	if r.Hold != 0 {
		about("hold", r.Hold)
	}
	if r.FirstOpen != nil {
		about("first_open_day", r.FirstOpen.String())
	}
	return p
}

// sentence gives a clause a capital letter and a full stop.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if 'a' <= first && first <= 'z' {
		s = strings.ToUpper(s[:size]) + s[size:]
	}
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// within moves the pointers of a problem into a larger document.
func within(p *httpx.Problem, prefix string) *httpx.Problem {
	moved := *p
	if len(p.Errors) > 0 {
		pointer := p.Errors[0].Pointer
		for _, at := range []struct{ from, to string }{
			{pointer + ": ", prefix + pointer + ": "},
			{"At " + pointer + ": ", "At " + prefix + pointer + ": "},
			{httpx.AtTop + ": ", "At " + prefix + ": "},
		} {
			if rest, ok := strings.CutPrefix(p.Detail, at.from); ok {
				moved.Detail = at.to + rest
				break
			}
		}
	}
	moved.Errors = make([]httpx.FieldError, len(p.Errors))
	for i, e := range p.Errors {
		moved.Errors[i] = httpx.FieldError{Pointer: prefix + e.Pointer, Detail: e.Detail}
	}
	return &moved
}
