package money_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/money"
)

func TestParseSigned(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"0", "1", "-1", "-1050", greatest, "-" + greatest} {
		s, err := money.ParseSigned(good)
		if err != nil || s.String() != good {
			t.Errorf("ParseSigned(%q) = %s, %v", good, s, err)
		}
	}
	for _, bad := range []string{"", "-", "-0", "--1", "+1", "- 1", "-01", "-1.0", "-" + greatest + "0"} {
		if s, err := money.ParseSigned(bad); err == nil {
			t.Errorf("ParseSigned(%q) = %s, want an error", bad, s)
		}
	}
}

func TestThereIsNoNegativeZero(t *testing.T) {
	t.Parallel()
	var zero money.Signed
	five := money.NewSigned(true, money.NewAmount(5))
	sum, _ := five.Add(five.Neg())
	for name, got := range map[string]money.Signed{
		"NewSigned": money.NewSigned(true, money.Amount{}), "Neg": zero.Neg(), "Add": sum,
	} {
		if got != zero || got.IsNegative() || !got.IsZero() {
			t.Errorf("%s gives %+v", name, got)
		}
	}
}

func TestSignedArithmeticIsExact(t *testing.T) {
	t.Parallel()
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	numbers := rapid.Custom(func(t *rapid.T) money.Signed {
		return money.NewSigned(rapid.Bool().Draw(t, "negative"), amounts().Draw(t, "abs"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, y := bigOf(t, a.String()), bigOf(t, b.String())
		check := func(what string, got money.Signed, ok bool, want *big.Int) {
			if ok != (new(big.Int).Abs(want).Cmp(limit) < 0) || ok && got.String() != want.String() {
				t.Fatalf("%s %s %s = %s, %v", a, what, b, got, ok)
			}
		}
		sum, ok := a.Add(b)
		check("+", sum, ok, new(big.Int).Add(x, y))
		difference, ok := a.Sub(b)
		check("-", difference, ok, new(big.Int).Sub(x, y))
		if a.Cmp(b) != x.Cmp(y) {
			t.Fatalf("%s.Cmp(%s) = %d", a, b, a.Cmp(b))
		}
		data, err := json.Marshal(a)
		var back money.Signed
		if err != nil || json.Unmarshal(data, &back) != nil || back != a {
			t.Fatalf("%s goes through JSON as %s to %s, %v", a, data, back, err)
		}
		value, err := a.Value()
		if err != nil || back.Scan(value) != nil || back != a {
			t.Fatalf("%s goes through SQL as %v to %s, %v", a, value, back, err)
		}
	})
}
