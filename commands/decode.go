package commands

import (
	"errors"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/httpx"
)

// faults are the fields of a body found wrong so far. Pointers are made only when there is something to point at.
type faults []httpx.FieldError

func (f *faults) add(pointer, detail string) {
	*f = append(*f, httpx.FieldError{Pointer: pointer, Detail: detail})
}

func (f *faults) item(list string, i int, member, detail string) {
	if member != "" {
		member = "/" + member
	}
	f.add("/"+list+"/"+strconv.Itoa(i)+member, detail)
}

// enough tells whether there are as many as are ever told: looking for more costs more than the request did.
func (f *faults) enough() bool { return len(*f) >= httpx.MaxFieldErrors }

// validated joins what the domain finds wrong with the shape of the command to what was found before, which is more
// exact about the same fields.
func (f *faults) validated(cmd ledger.Command) *httpx.Problem {
	if f.enough() {
		return httpx.InvalidField(*f...)
	}
	err := ledger.Validate(cmd)
	if err == nil && len(*f) == 0 {
		return nil
	}
	if len(*f) == 0 {
		return problemOf(err)
	}
	var rejection *ledger.Rejection
	if errors.As(err, &rejection) && rejection.Code == ledger.InvalidField {
		before := *f
		for _, field := range rejection.Fields {
			if !before.cover(field.Pointer) {
				f.add(field.Pointer, field.Detail)
			}
		}
	}
	return httpx.InvalidField(*f...)
}

// cover tells whether a fault was found at the pointer, above it, or below it.
func (f *faults) cover(pointer string) bool {
	for _, fault := range *f {
		if above(fault.Pointer, pointer) || above(pointer, fault.Pointer) {
			return true
		}
	}
	return false
}

// above tells whether a pointer is another one's beginning, or the same.
func above(pointer, other string) bool {
	rest, ok := strings.CutPrefix(other, pointer)
	return ok && (rest == "" || rest[0] == '/')
}

func (b *ledgerBody) command() (ledger.OpenLedger, *httpx.Problem) {
	var f faults
	cmd := ledger.OpenLedger{Name: b.Name, Metadata: ledger.Metadata(b.Metadata)}
	if b.Template != nil {
		cmd.Template = ledger.Template(*b.Template)
		if cmd.Template == "" {
			f.add("/template", `want "general" or "wallets"`)
		}
	}
	if b.Chart != nil {
		chart := b.Chart.chart(&f)
		cmd.Chart = &chart
	}
	return cmd, f.validated(cmd)
}

func (b *chartBody) chart(f *faults) ledger.Chart {
	chart := ledger.Chart{Undeclared: ledger.Undeclared(b.Undeclared)}
	if len(b.Rules) > maxRules {
		f.add("/chart/rules", "want at most "+strconv.Itoa(maxRules)+" rules")
		return chart
	}
	for i := range b.Rules {
		if f.enough() {
			break
		}
		r := &b.Rules[i]
		at := "/chart/rules/" + strconv.Itoa(i)
		rule := ledger.Rule{AnyCase: r.AnyCase, Type: ledger.AccountType(r.Type)}
		pattern, err := address.ParsePattern(r.Pattern)
		if err != nil {
			f.add(at+"/pattern", reason(err))
		}
		rule.Pattern = pattern
		rule.Limits = limits(f, at, r.MinBalance, r.MaxBalance)
		if len(r.Assets) > maxRules {
			f.add(at+"/assets", "want at most "+strconv.Itoa(maxRules)+" assets")
			continue
		}
		for j, text := range r.Assets {
			if f.enough() {
				break
			}
			asset, err := money.ParseAsset(text)
			if err != nil {
				f.add(at+"/assets/"+strconv.Itoa(j), reason(err))
			}
			rule.Assets = append(rule.Assets, asset)
		}
		chart.Rules = append(chart.Rules, rule)
	}
	return chart
}

func limits(f *faults, at string, low, high numeral) ledger.Limits {
	return ledger.Limits{Min: signed(f, at+"/min_balance", low), Max: signed(f, at+"/max_balance", high)}
}

func (b *accountBody) command() (ledger.Command, *httpx.Problem) {
	var f faults
	cmd := ledger.OpenAccount{Metadata: ledger.Metadata(b.Metadata)}
	account, err := parseAddress(b.Address)
	if err != "" {
		f.add("/address", err)
	}
	cmd.Address = account
	if b.Type != nil {
		cmd.Type = ledger.AccountType(*b.Type)
		if cmd.Type == "" {
			f.add("/type", "want asset, expense, liability, equity or income; leave it out for the chart's")
		}
	}
	cmd.Limits = limits(&f, "", b.MinBalance, b.MaxBalance)
	return cmd, f.validated(cmd)
}

const required = "is required"

func parseAddress(text string) (address.Address, string) {
	if text == "" {
		return "", required
	}
	a, err := address.Parse(text)
	if err != nil {
		return "", reason(err)
	}
	return a, ""
}

func parseAmount(n numeral) (money.Amount, string) {
	if !n.given {
		return money.Amount{}, required
	}
	a, err := money.ParseAmount(n.text)
	if err != nil {
		return money.Amount{}, reason(err)
	}
	if a.IsZero() {
		return money.Amount{}, "want more than 0"
	}
	return a, ""
}

func reason(err error) string { return httpx.Clip(err.Error()) }
