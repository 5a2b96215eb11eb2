package address_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		matches string // addresses, separated by spaces
		not     string
	}{
		{"world", "world", "World world:x worl worldx"},
		{"users:*", "users:alice users:*", "users users:alice:wallet banks:alice"},
		{"users:**", "users:alice users:alice:wallet", "users banks:alice usersx:alice"},
		{"users:*:wallet", "users:alice:wallet", "users:wallet users:a:b:wallet users:alice:loan"},
		{"*", "world users", "users:alice"},
		{"**", "world users:alice", ""},
		{"*:**", "users:alice users:alice:wallet", "users"},
		{"*:wallet", "users:wallet", "wallet users:alice:wallet"},
	} {
		p, err := address.ParsePattern(c.pattern)
		if err != nil || p.String() != c.pattern {
			t.Fatalf("ParsePattern(%q) = %q, %v", c.pattern, p, err)
		}
		for a := range strings.FieldsSeq(c.matches) {
			if !p.Match(address.Address(a)) {
				t.Errorf("%s does not match %s", p, a)
			}
		}
		for a := range strings.FieldsSeq(c.not) {
			if p.Match(address.Address(a)) {
				t.Errorf("%s matches %s", p, a)
			}
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "**:a", "a:**:b", "**:**", "a*", "users:a*", "***", "a:***", "*a:b", "a::*", "a: *", "*:", strings.Repeat("*:", 300) + "*"} {
		if p, err := address.ParsePattern(bad); err == nil {
			t.Errorf("ParsePattern(%q) = %q, want an error", bad, p)
		}
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern address.Pattern
		prefix  string
		exact   bool
	}{{"users:*:wallet", "users:", false}, {"users:**", "users:", false}, {"**", "", false}, {"users:alice", "users:alice", true}} {
		if prefix, exact := c.pattern.Literal(); prefix != c.prefix || exact != c.exact {
			t.Errorf("%s starts with %q, %v", c.pattern, prefix, exact)
		}
	}
}

func TestMostSpecificFirst(t *testing.T) {
	t.Parallel()
	ordered := []address.Pattern{"a:b:c", "a:b:*", "a:b:**", "a:b", "a:*:c", "a:*:*", "a:*:**", "a:*", "a:**", "*:b:c", "*:**", "*", "**"}
	for i, p := range ordered {
		for j, q := range ordered {
			if got := p.Compare(q); sign(got) != sign(i-j) {
				t.Errorf("%s.Compare(%s) = %d", p, q, got)
			}
		}
	}
}

// TestMatchAndLiteralAgree: what matches starts with the literal prefix, and an exact pattern matches itself alone.
func TestMatchAndLiteralAgree(t *testing.T) {
	t.Parallel()
	segment := rapid.SampledFrom([]string{"a", "b", "aa", "é"})
	rapid.Check(t, func(t *rapid.T) {
		a := address.Address(strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "address"), ":"))
		wild := rapid.OneOf(segment, rapid.Just("*"))
		text := strings.Join(rapid.SliceOfN(wild, 1, 4).Draw(t, "pattern"), ":") + rapid.SampledFrom([]string{"", ":**"}).Draw(t, "end")
		p, err := address.ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		prefix, exact := p.Literal()
		if p.Match(a) && !strings.HasPrefix(string(a), prefix) {
			t.Fatalf("%s matches %s, which does not start with %q", p, a, prefix)
		}
		if exact && p.Match(a) != (string(a) == text) {
			t.Fatalf("%s matches %s", p, a)
		}
		if got := naiveMatch(strings.Split(text, ":"), strings.Split(string(a), ":")); got != p.Match(a) {
			t.Fatalf("%s matches %s: %v, want %v", p, a, p.Match(a), got)
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	for _, seed := range []string{"", "*", "**", "a:**", "**:a", "a*", "users:*:wallet", "é:*", "a::*", "\xff*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := address.ParsePattern(s)
		if err != nil {
			return
		}
		if a, err := address.Parse(s); err != nil || !p.Match(a) {
			t.Errorf("the pattern %q, taken as an address, is not matched by itself: %v", s, err)
		}
	})
}

func naiveMatch(pattern, segments []string) bool {
	switch {
	case len(pattern) == 0 || len(segments) == 0:
		return len(pattern) == len(segments)
	case pattern[0] == "**":
		return true
	default:
		return (pattern[0] == "*" || pattern[0] == segments[0]) && naiveMatch(pattern[1:], segments[1:])
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	default:
		return 0
	}
}
