package address_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/domain/address"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"world", "users:alice:wallet", "Aktiva:Flüssige Mittel:Kasse", "a b:c  d", "資産:現金", "it's:50%/$", "*", "a.b-c_d",
		strings.Repeat("x", address.MaxBytes), "é", "👛:x",
	} {
		if a, err := address.Parse(good); err != nil || string(a) != good {
			t.Errorf("Parse(%q) = %q, %v", good, a, err)
		}
	}
	for _, bad := range []string{
		"", ":", "a:", ":a", "a::b", " a", "a ", "a: b", "a :b", " ", "a\x00", "a\nb", "a\tb", "a\x7fb", "a\u0085b", "é\u0085b",
		"a\xff", "é:\xc3", strings.Repeat("x", address.MaxBytes+1), "é:", ":é", "é::b", "é: b", "é :b", "\u00a0é", "é\u3000",
	} {
		if a, err := address.Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %q, want an error", bad, a)
		}
	}
}

func TestParts(t *testing.T) {
	t.Parallel()
	const a address.Address = "users:alice:wallet"
	if got := slices.Collect(a.Segments()); !slices.Equal(got, []string{"users", "alice", "wallet"}) {
		t.Errorf("Segments gives %q", got)
	}
	if a.Depth() != 3 || address.Address("world").Depth() != 1 {
		t.Errorf("Depth gives %d", a.Depth())
	}
	for n, want := range map[int]address.Address{1: "users", 2: "users:alice", 3: a, 4: a} {
		if got := a.Prefix(n); got != want {
			t.Errorf("Prefix(%d) = %q, want %q", n, got, want)
		}
	}
}

// FuzzParse holds the parser to the rules, each written down by itself.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "world", "a:b", "a::b", " a", "a ", "a\x00", "\xff", "é:ü", "é\u0085", "a:\u00a0b", strings.Repeat("é", 257)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := s != "" && len(s) <= 512 && utf8.ValidString(s)
		for _, r := range s {
			want = want && !unicode.IsControl(r)
		}
		for segment := range strings.SplitSeq(s, ":") {
			want = want && segment != "" && strings.TrimSpace(segment) == segment
		}
		if _, err := address.Parse(s); want != (err == nil) {
			t.Errorf("Parse(%q): %v, want it to be accepted: %v", s, err, want)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := address.Parse("users:alice:wallet"); err != nil {
			b.Fatal(err)
		}
	}
}
