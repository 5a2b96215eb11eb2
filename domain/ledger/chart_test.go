package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestTheMostSpecificRuleHolds(t *testing.T) {
	t.Parallel()
	patterns := []address.Pattern{
		"**", "*", "users:**", "users:*", "users:*:wallet", "users:alice:**", "users:alice:*", "*:alice:wallet", "users:vip:loan", "*:*:gold",
	}
	chart := ledger.Chart{Undeclared: ledger.Reject}
	for _, p := range patterns {
		chart.Rules = append(chart.Rules, ledger.Rule{Pattern: p, Type: ledger.Liability})
	}
	m := chart.Matcher()
	for a, want := range map[address.Address]address.Pattern{
		"world":                "*",
		"users":                "*",
		"users:bob":            "users:*",
		"users:bob:wallet":     "users:*:wallet",
		"users:bob:loan":       "users:**",
		"users:alice":          "users:*",
		"users:alice:wallet":   "users:alice:*", // a literal further left counts more
		"users:alice:wallet:x": "users:alice:**",
		"banks:alice:wallet":   "*:alice:wallet",
		"banks:alice:gold":     "*:*:gold", // *:alice leads nowhere
		"banks:alice:silver":   "**",
		"users:vip:loan":       "users:vip:loan",
		"users:vip:wallet":     "users:*:wallet", // users:vip leads nowhere
		"users:vip:x":          "users:**",
		"users:vip:loan:x":     "users:**",
	} {
		if rule, ok := m.Match(a); !ok || rule.Pattern != want {
			t.Errorf("%s: %s, want %s", a, rule.Pattern, want)
		}
	}
}

func TestAnyCase(t *testing.T) {
	t.Parallel()
	chart := ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
		{Pattern: "Ärger:*", AnyCase: true, Type: ledger.Expense},
		{Pattern: "ÄRGER:*", Type: ledger.Income},
	}}
	m := chart.Matcher()
	for a, want := range map[address.Address]ledger.AccountType{
		"ärger:x": ledger.Expense, "äRGer:x": ledger.Expense, "ÄRGER:x": ledger.Income, "arger:x": ledger.Liability, "ärger": ledger.Liability,
	} {
		if rule, ok := m.Match(a); !ok || rule.Type != want {
			t.Errorf("%s: %s, want %s", a, rule.Type, want)
		}
	}
}

// TestMatcherAgreesWithANaiveOne: the matching pattern that compares as most specific, one after the other.
func TestMatcherAgreesWithANaiveOne(t *testing.T) {
	t.Parallel()
	segments := []string{"a", "b", "A", "c"}
	patterns := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.SampledFrom(append(segments, "*", "*")), 0, 4).Draw(t, "parts")
		if len(parts) == 0 || rapid.Bool().Draw(t, "rest") {
			parts = append(parts, "**")
		}
		return strings.Join(parts, ":")
	})
	rapid.Check(t, func(t *rapid.T) {
		chart := ledger.Chart{Undeclared: ledger.Reject}
		for _, p := range rapid.SliceOfNDistinct(patterns, 0, 30, rapid.ID).Draw(t, "patterns") {
			anyCase := p[0] != '*' && strings.ToLower(p[:1]) == p[:1] && rapid.Bool().Draw(t, "any case")
			chart.Rules = append(chart.Rules, ledger.Rule{Pattern: address.Pattern(p), AnyCase: anyCase, Type: ledger.Asset})
		}
		m := chart.Matcher()
		for range 10 {
			a := address.Address(strings.Join(rapid.SliceOfN(rapid.SampledFrom(segments), 1, 5).Draw(t, "address"), ":"))
			got, ok := m.Match(a)
			want := naiveRule(chart.Rules, a)
			if ok != (want != nil) {
				t.Fatalf("%s: found %v", a, ok)
			}
			if want != nil && (got.Pattern != want.Pattern || got.AnyCase != want.AnyCase) {
				t.Fatalf("%s: %s, want %s", a, got.Pattern, want.Pattern)
			}
		}
	})
}

func naiveRule(rules []ledger.Rule, a address.Address) *ledger.Rule {
	var best *ledger.Rule
	for i := range rules {
		r := &rules[i]
		text := string(a)
		if r.AnyCase {
			text = strings.ToLower(text[:1]) + text[1:] // the segments of this test have one letter
		}
		if !r.Pattern.Match(address.Address(text)) {
			continue
		}
		if best == nil || moreSpecific(r, best) {
			best = r
		}
	}
	return best
}

// moreSpecific compares as patterns do, but that a first segment in any case stands between literals and "*".
func moreSpecific(r, s *ledger.Rule) bool {
	if r.AnyCase != s.AnyCase && r.Pattern[0] != '*' && s.Pattern[0] != '*' {
		return s.AnyCase
	}
	return r.Pattern.Compare(s.Pattern) < 0
}

func TestChartsThatCannotBe(t *testing.T) {
	t.Parallel()
	rule := func(p address.Pattern, change func(*ledger.Rule)) ledger.Rule {
		r := ledger.Rule{Pattern: p, Type: ledger.Asset}
		if change != nil {
			change(&r)
		}
		return r
	}
	five, four := money.NewSigned(false, money.NewAmount(5)), money.NewSigned(false, money.NewAmount(4))
	for _, c := range []struct {
		pointer string
		chart   ledger.Chart
	}{
		{"/chart/undeclared", ledger.Chart{}},
		{"/chart/undeclared", ledger.Chart{Undeclared: "maybe"}},
		{"/chart/rules/0/pattern", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{rule("", nil)}}},
		{"/chart/rules/1/pattern", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{rule("a:*", nil), rule("a:*", nil)}}},
		{"/chart/rules/1/pattern", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
			rule("a:X", func(r *ledger.Rule) { r.AnyCase = true }), rule("A:X", func(r *ledger.Rule) { r.AnyCase = true }),
		}}},
		{"/chart/rules/0/type", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
			rule("a", func(r *ledger.Rule) { r.Type = "money" }),
		}}},
		{"/chart/rules/0/min_balance", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
			rule("a", func(r *ledger.Rule) { r.Limits = ledger.Limits{Min: &five, Max: &four} }),
		}}},
		{"/chart/rules/0/assets/1", ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
			rule("a", func(r *ledger.Rule) { r.Assets = []money.Asset{"USD", "USD"} }),
		}}},
		{"/chart/rules", ledger.Chart{Undeclared: ledger.Allow, Rules: everyArrangement(9)}},
	} {
		err := ledger.Validate(ledger.OpenLedger{Name: "x", Chart: &c.chart})
		var r *ledger.Rejection
		if !errors.As(err, &r) || r.Code != ledger.InvalidField || len(r.Fields) != 1 || r.Fields[0].Pointer != c.pointer {
			t.Errorf("want %s: %v", c.pointer, err)
		}
	}
	for name, chart := range map[string]ledger.Chart{
		"the same in another case": {Undeclared: ledger.Allow, Rules: []ledger.Rule{rule("a", nil), rule("A", nil)}},
		"literal and any case": {Undeclared: ledger.Allow, Rules: []ledger.Rule{
			rule("a", nil), rule("a", func(r *ledger.Rule) { r.AnyCase = true }),
		}},
		"no rules":          {Undeclared: ledger.Reject},
		"many arrangements": {Undeclared: ledger.Reject, Rules: everyArrangement(8)},
	} {
		if err := ledger.Validate(ledger.OpenLedger{Name: "x", Chart: &chart}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTemplatesAreValidCharts(t *testing.T) {
	t.Parallel()
	for _, template := range []ledger.Template{ledger.General, ledger.Wallets} {
		chart, ok := template.Chart()
		if !ok {
			t.Fatalf("there is no template %s", template)
		}
		if err := ledger.Validate(ledger.OpenLedger{Name: "x", Chart: &chart}); err != nil {
			t.Errorf("%s: %v", template, err)
		}
	}
	if _, ok := ledger.Template("other").Chart(); ok {
		t.Error("there is a template that should not be")
	}
}

// everyArrangement has each of the 2^n ways to put a literal or "*" at n places: the worst that backtracking can meet.
func everyArrangement(n int) []ledger.Rule {
	var rules []ledger.Rule
	for mask := range 1 << n {
		parts := make([]string, n)
		for i := range parts {
			if parts[i] = "a"; mask>>i&1 == 1 {
				parts[i] = "*"
			}
		}
		rules = append(rules, ledger.Rule{Pattern: address.Pattern(strings.Join(parts, ":")), Type: ledger.Asset})
	}
	return rules
}

// BenchmarkMatch shows that the number of rules does not count, also where every branch has to be tried in vain.
func BenchmarkMatch(b *testing.B) {
	for _, rules := range []int{10, 1_000, 100_000} {
		chart := ledger.Chart{Undeclared: ledger.Allow}
		for i := range rules / 2 {
			chart.Rules = append(chart.Rules,
				ledger.Rule{Pattern: address.Pattern(fmt.Sprintf("users:%d:**", i)), Type: ledger.Asset},
				ledger.Rule{Pattern: address.Pattern(fmt.Sprintf("*:%d:wallet", i)), Type: ledger.Asset})
		}
		m := chart.Matcher()
		for name, a := range map[string]address.Address{"hit": "users:3:wallet", "back": "banks:3:loan"} {
			b.Run(fmt.Sprintf("%s/%d", name, rules), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					m.Match(a)
				}
			})
		}
	}
	worst := ledger.Chart{Undeclared: ledger.Allow, Rules: everyArrangement(8)}.Matcher()
	b.Run("worst/256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			worst.Match("a:a:a:a:a:a:a:a:a")
		}
	})
}
