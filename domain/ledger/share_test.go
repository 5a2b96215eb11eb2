package ledger_test

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestParseShare(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"1/3", "1/1", "3/3", "2/4", "1/18446744073709551615", "18446744073709551615/18446744073709551615"} {
		if s, err := ledger.ParseShare(good); err != nil || s.String() != good {
			t.Errorf("ParseShare(%q) = %v, %v", good, s, err)
		}
	}
	for _, bad := range []string{
		"", "/", "1", "1/", "/3", "0/3", "4/3", "1/0", "0/0", "-1/3", "1/-3", "+1/3", "1/+3", "01/3", "1/03", " 1/3", "1/3 ", "1 /3", "1/3/5",
		"0.5", "1/3.0", "1e0/3", "1_0/30", "0x1/3", "١/٣", "50%", "1/18446744073709551616", "18446744073709551616/18446744073709551616",
		"1/3\x00", strings.Repeat("9", 100_000),
	} {
		s, err := ledger.ParseShare(bad)
		if err == nil {
			t.Errorf("ParseShare(%q) = %v, want an error", bad, s)
		} else if len(err.Error()) > 400 {
			t.Errorf("%d bytes of error", len(err.Error()))
		}
	}
}

// What a share is, in other words.
var shareForm = regexp.MustCompile(`\A([1-9][0-9]*)/([1-9][0-9]*)\z`)

func FuzzParseShare(f *testing.F) {
	for _, seed := range []string{"1/3", "0/3", "4/3", "1/0", "01/3", "+1/2", "1/18446744073709551615", "1/18446744073709551616", "1/2/3", "½"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		share, err := ledger.ParseShare(s)
		want := false
		if parts := shareForm.FindStringSubmatch(s); parts != nil {
			n, _ := new(big.Int).SetString(parts[1], 10)
			d, _ := new(big.Int).SetString(parts[2], 10)
			want = n.Cmp(d) <= 0 && d.IsUint64()
		}
		if want != (err == nil) {
			t.Errorf("ParseShare(%q) = %v, want it to be accepted: %v", s, err, want)
		}
		if err == nil && share.String() != s {
			t.Errorf("%q reads as %s", s, share)
		}
	})
}

// TestSharesAreExact holds the division among destinations to math/big: shares of any words of any amount, rounded
// down, the rest to the remainder or to the first ones by one unit each, and nothing lost.
func TestSharesAreExact(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	rapid.Check(t, func(t *rapid.T) {
		total := anyAmount().Filter(func(a money.Amount) bool { return !a.IsZero() }).Draw(t, "total")
		to := destinations().Draw(t, "to")
		c := ledger.PostTransaction{Movement: ledger.Movement{Transfers: []ledger.Transfer{{
			Asset: "X", Amount: ledger.TransferAmount{Exactly: total}, From: []ledger.Source{{Account: "world"}}, To: to,
		}}}}
		err := ledger.Validate(c)
		if want := sharesFit(to); want != (err == nil) {
			t.Fatalf("%v of %v: %v, want it to be accepted: %v", to, total, err, want)
		}
		if err != nil {
			return
		}
		got := map[address.Address]*big.Int{}
		sum := new(big.Int)
		for _, e := range postedBy(t, book, c).Entries {
			if e.Side == ledger.Credit {
				got[e.Account] = bigOf(e.Amount)
				sum.Add(sum, got[e.Account])
			}
			if e.Amount.IsZero() {
				t.Fatalf("%v: an entry of zero", e)
			}
		}
		if sum.Cmp(bigOf(total)) != 0 {
			t.Fatalf("%s of %s arrive", sum, total)
		}
		for i, part := range naiveParts(bigOf(total), to) {
			have := got[to[i].Account]
			if have == nil {
				have = new(big.Int)
			}
			if have.Cmp(part) != 0 {
				t.Fatalf("%s takes %s, want %s of %s: %v", to[i].Account, have, part, total, to)
			}
		}
	})
}

// naiveParts is the rule in big numbers.
func naiveParts(total *big.Int, to []ledger.Destination) []*big.Int {
	parts := make([]*big.Int, len(to))
	left := new(big.Int).Set(total)
	for i, d := range to {
		parts[i] = new(big.Int)
		switch {
		case d.Remainder:
		case d.Share == (ledger.Share{}):
			parts[i].Set(total)
		default:
			parts[i].Mul(total, new(big.Int).SetUint64(d.Share.Numerator))
			parts[i].Quo(parts[i], new(big.Int).SetUint64(d.Share.Denominator))
		}
		left.Sub(left, parts[i])
	}
	if i := slices.IndexFunc(to, func(d ledger.Destination) bool { return d.Remainder }); i >= 0 {
		parts[i] = left
		return parts
	}
	for i := 0; left.Sign() > 0; i++ {
		parts[i].Add(parts[i], big.NewInt(1))
		left.Sub(left, big.NewInt(1))
	}
	return parts
}

// sharesFit tells by fractions whether destinations take all there is and no more.
func sharesFit(to []ledger.Destination) bool {
	sum, remainder := new(big.Rat), false
	for _, d := range to {
		if !d.Remainder {
			n, m := new(big.Int).SetUint64(d.Share.Numerator), new(big.Int).SetUint64(d.Share.Denominator)
			sum.Add(sum, new(big.Rat).SetFrac(n, m))
		}
		remainder = remainder || d.Remainder
	}
	switch sum.Cmp(big.NewRat(1, 1)) {
	case 0:
		return true
	case -1:
		return remainder
	}
	return false
}

// destinations draws lists that often add up to exactly 1, and lists that are near it.
func destinations() *rapid.Generator[[]ledger.Destination] {
	word := rapid.OneOf(rapid.Uint64Range(1, 12), rapid.Uint64Min(1), rapid.SampledFrom([]uint64{1 << 63, 1<<64 - 1, 1<<64 - 59}))
	return rapid.Custom(func(t *rapid.T) []ledger.Destination {
		var shares []ledger.Share
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0: // any
			for range rapid.IntRange(1, 4).Draw(t, "shares") {
				d := word.Draw(t, "denominator")
				shares = append(shares, ledger.Share{Numerator: rapid.Uint64Range(1, d).Draw(t, "numerator"), Denominator: d})
			}
		case 1: // different denominators that add up to 1
			shares = []ledger.Share{{Numerator: 1, Denominator: 2}, {Numerator: 1, Denominator: 3}, {Numerator: 2, Denominator: 12}}
		default: // one denominator, cut in pieces
			d := word.Draw(t, "denominator")
			for left := d; left > 0; {
				n := rapid.Uint64Range(1, left).Draw(t, "numerator")
				if len(shares) == 5 {
					n = left
				}
				shares = append(shares, ledger.Share{Numerator: n, Denominator: d})
				left -= n
			}
		}
		if rapid.Bool().Draw(t, "fewer") {
			shares = shares[1:]
		}
		var to []ledger.Destination
		for _, s := range shares {
			to = append(to, ledger.Destination{Share: s})
		}
		if len(to) == 0 || rapid.Bool().Draw(t, "remainder") {
			at := rapid.IntRange(0, len(to)).Draw(t, "remainder at")
			to = slices.Insert(to, at, ledger.Destination{Remainder: true})
		}
		for i := range to {
			to[i].Account = address.Address("to:" + string(rune('a'+i)))
		}
		return to
	})
}

// anyAmount draws small ones, such around the borders of words, and any.
func anyAmount() *rapid.Generator[money.Amount] {
	border := rapid.SampledFrom([]uint64{0, 0, 1, 2, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1})
	word := rapid.OneOf(border, rapid.Uint64(), rapid.Uint64Range(0, 100))
	return rapid.Custom(func(t *rapid.T) money.Amount {
		return money.FromWords(word.Draw(t, "hi"), word.Draw(t, "lo"))
	})
}

func bigOf(a money.Amount) *big.Int {
	n, _ := new(big.Int).SetString(a.String(), 10)
	return n
}

// postedBy decides a command, without evolving the book, and gives the transaction.
func postedBy(t interface{ Fatal(args ...any) }, book *ledger.Book, c ledger.Command) ledger.TransactionPosted {
	events, err := ledger.Decide(book, c, noon)
	if err != nil {
		t.Fatal(err)
	}
	posted, _ := events[len(events)-1].(ledger.TransactionPosted)
	return posted
}
