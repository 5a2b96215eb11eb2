package ledger

import (
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

const wantType = "want asset, expense, liability, equity or income"

// chart tests a chart whose pointer is given.
func (f *faults) chart(pointer string, c Chart) {
	if c.Undeclared != Allow && c.Undeclared != Reject {
		f.addf(pointer+"/undeclared", "want %q or %q", Allow, Reject)
	}
	first := make(map[patternKey]int, len(c.Rules))
	arrangements := map[string]struct{}{}
	for i := range c.Rules {
		at := pointer + "/rules/" + strconv.Itoa(i)
		f.rule(at, &c.Rules[i])
		same := keyOf(&c.Rules[i])
		if j, seen := first[same]; seen && same.pattern != "" {
			f.addf(at+"/pattern", "want each pattern once: rule %d has it too", j)
			continue
		}
		first[same] = i
		arrangements[arrangement(&c.Rules[i])] = struct{}{}
	}
	if len(arrangements) > maxArrangements {
		f.addf(pointer+"/rules", "want at most %d different arrangements of * and ** in patterns, not %d",
			maxArrangements, len(arrangements))
	}
}

func (f *faults) rule(pointer string, r *Rule) {
	if r.Pattern == "" {
		f.addf(pointer+"/pattern", "want a pattern")
	}
	if _, known := r.Type.kind(); !known {
		f.addf(pointer+"/type", wantType)
	}
	if r.Limits.contradictory() {
		f.addf(pointer+"/min_balance", "want no more than max_balance")
	}
	seen := make(map[money.Asset]struct{}, len(r.Assets))
	for i, asset := range r.Assets {
		if _, twice := seen[asset]; twice || asset == "" {
			f.addf(pointer+"/assets/"+strconv.Itoa(i), "want different assets")
		}
		seen[asset] = struct{}{}
	}
}

// patternKey is what no two rules of a chart may share: the pattern, its first segment in lower case where case does
// not count, and whether it counts.
type patternKey struct {
	pattern string
	anyCase bool
}

func keyOf(r *Rule) patternKey {
	if !r.AnyCase {
		return patternKey{pattern: string(r.Pattern)}
	}
	top, tail, more := strings.Cut(string(r.Pattern), address.Separator)
	key := patternKey{pattern: strings.ToLower(top), anyCase: true}
	if more {
		key.pattern += address.Separator + tail
	}
	return key
}

// arrangement is a pattern with its literals taken out.
func arrangement(r *Rule) string {
	var b strings.Builder
	if r.AnyCase {
		b.WriteByte('~')
	}
	for segment := range r.Pattern.Segments() {
		if segment == address.One || segment == address.Rest {
			b.WriteString(segment)
		}
		b.WriteByte(':')
	}
	return b.String()
}
