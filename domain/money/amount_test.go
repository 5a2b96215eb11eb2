package money_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/money"
)

const greatest = "340282366920938463463374607431768211455"

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"0", "1", "9", "10", "1050", "9999999999999999999", "10000000000000000000", "18446744073709551615",
		"18446744073709551616", "100000000000000000000000000000000000000", greatest,
	} {
		a, err := money.ParseAmount(good)
		if err != nil || a.String() != good {
			t.Errorf("ParseAmount(%q) = %v, %v", good, a, err)
		}
	}
	for _, bad := range []string{
		"", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "1,000", "١", "-0", "1\x00",
		"340282366920938463463374607431768211456", "999999999999999999999999999999999999999",
		"1000000000000000000000000000000000000000", "34028236692093846346337460743176821145x",
		"9999999999999999999999999999999999999999999999999999999x",
	} {
		if a, err := money.ParseAmount(bad); err == nil {
			t.Errorf("ParseAmount(%q) = %v, want an error", bad, a)
		}
	}
}

func TestMaxAmount(t *testing.T) {
	t.Parallel()
	if got := money.MaxAmount.String(); got != greatest {
		t.Errorf("MaxAmount = %s", got)
	}
	if sum, ok := money.MaxAmount.Add(money.NewAmount(1)); ok {
		t.Errorf("MaxAmount + 1 = %s", sum)
	}
	if difference, ok := money.NewAmount(1).Sub(money.NewAmount(2)); ok {
		t.Errorf("1 - 2 = %s", difference)
	}
}

// TestArithmeticIsExact holds amounts and signed numbers to math/big.
func TestArithmeticIsExact(t *testing.T) {
	t.Parallel()
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		x, y := bigOf(t, a.String()), bigOf(t, b.String())

		sum, ok := a.Add(b)
		want := new(big.Int).Add(x, y)
		if ok != (want.Cmp(limit) < 0) || ok && sum.String() != want.String() {
			t.Fatalf("%s + %s = %s, %v", a, b, sum, ok)
		}
		difference, ok := a.Sub(b)
		want.Sub(x, y)
		if ok != (want.Sign() >= 0) || ok && difference.String() != want.String() {
			t.Fatalf("%s - %s = %s, %v", a, b, difference, ok)
		}
		if got := money.Diff(a, b); got.String() != want.String() {
			t.Fatalf("Diff(%s, %s) = %s", a, b, got)
		}
		if got := a.Cmp(b); got != x.Cmp(y) {
			t.Fatalf("%s.Cmp(%s) = %d", a, b, got)
		}
		if back, err := money.ParseAmount(a.String()); err != nil || back != a {
			t.Fatalf("%s reads back as %s, %v", a, back, err)
		}
		if hi, lo := a.Words(); money.FromWords(hi, lo) != a {
			t.Fatalf("%s is not made of its words", a)
		}
	})
}

func TestAmountInJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"1050"`: "1050", `1050`: "1050", `"` + greatest + `"`: greatest, greatest: greatest,
		"9007199254740993": "9007199254740993", `"0"`: "0",
	} {
		var a money.Amount
		if err := json.Unmarshal([]byte(in), &a); err != nil || a.String() != want {
			t.Errorf("%s reads as %s, %v", in, a, err)
		}
		if out, err := json.Marshal(a); err != nil || string(out) != `"`+want+`"` {
			t.Errorf("%s writes as %s, %v", want, out, err)
		}
	}
	for _, in := range []string{`1.5`, `1e3`, `-1`, `"-1"`, `""`, `"1`, `true`, `{}`, `[]`, `"\u0031"`, `" 1"`, greatest + "0"} {
		var a money.Amount
		if err := json.Unmarshal([]byte(in), &a); err == nil {
			t.Errorf("%s reads as %s, want an error", in, a)
		}
	}
}

func TestAmountInSQL(t *testing.T) {
	t.Parallel()
	value, err := money.MaxAmount.Value()
	if err != nil || value != greatest {
		t.Fatalf("MaxAmount is stored as %v, %v", value, err)
	}
	for _, source := range []any{"42", []byte("42"), int64(42)} {
		var a money.Amount
		if err := a.Scan(source); err != nil || a != money.NewAmount(42) {
			t.Errorf("scan %T: %s, %v", source, a, err)
		}
	}
	for _, source := range []any{nil, 4.2, int64(-1), "", "4.2"} {
		var a money.Amount
		if err := a.Scan(source); err == nil {
			t.Errorf("scan %v: %s, want an error", source, a)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"", "0", "00", "1", "-1", "1e3", greatest, greatest + "0", "18446744073709551616"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := money.ParseAmount(s)
		if err == nil && a.String() != s {
			t.Errorf("%q reads as %s", s, a)
		}
		if n, ok := new(big.Int).SetString(s, 10); err != nil && ok && n.String() == s && n.Sign() >= 0 && n.BitLen() <= 128 {
			t.Errorf("%q is refused: %v", s, err)
		}
		signed, err := money.ParseSigned(s)
		if err == nil && signed.String() != s {
			t.Errorf("%q reads as signed %s", s, signed)
		}
	})
}

func BenchmarkParseAmount(b *testing.B) {
	for _, s := range []string{"1050", greatest} {
		b.Run(fmt.Sprint(len(s)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := money.ParseAmount(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendAmount(b *testing.B) {
	buf := make([]byte, 0, 64)
	for _, a := range []money.Amount{money.NewAmount(1050), money.MaxAmount} {
		b.Run(fmt.Sprint(len(a.String())), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = a.AppendText(buf[:0])
			}
		})
	}
}

// amounts draws small ones, such around the borders of words, and any.
func amounts() *rapid.Generator[money.Amount] {
	border := rapid.SampledFrom([]uint64{0, 1, 2, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1, 10_000_000_000_000_000_000})
	word := rapid.OneOf(border, rapid.Uint64(), rapid.Uint64Range(0, 1000))
	return rapid.Custom(func(t *rapid.T) money.Amount {
		return money.FromWords(word.Draw(t, "hi"), word.Draw(t, "lo"))
	})
}

func bigOf(t *rapid.T, s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return n
}
