package money_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/money"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asset  money.Asset
		amount uint64
		want   string
	}{
		{"USD/2", 1050, "10.50"},
		{"USD/2", 5, "0.05"},
		{"USD/2", 0, "0.00"},
		{"JPY", 1050, "1050"},
		{"JPY/0", 1050, "1050"},
		{"BTC/8", 1, "0.00000001"},
		{"X/99", 7, "0." + strings.Repeat("0", 98) + "7"},
	} {
		if got := money.Format(c.asset, money.NewAmount(c.amount)); got != c.want {
			t.Errorf("Format(%s, %d) = %s, want %s", c.asset, c.amount, got, c.want)
		}
	}
	if got := money.FormatSigned("USD/2", money.NewSigned(true, money.NewAmount(5))); got != "-0.05" {
		t.Errorf("FormatSigned gives %s", got)
	}
}

func TestAssetParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asset money.Asset
		code  string
		scale int
	}{{"USD/2", "USD", 2}, {"JPY", "JPY", 0}, {"a.b_c-9/18", "a.b_c-9", 18}, {"X/05", "X", 5}} {
		if c.asset.Code() != c.code || c.asset.Scale() != c.scale {
			t.Errorf("%s is %s with scale %d", c.asset, c.asset.Code(), c.asset.Scale())
		}
	}
}

// The contract's own words for what an asset is.
var assetForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,31}(/[0-9]{1,2})?$`)

func FuzzParseAsset(f *testing.F) {
	long := strings.Repeat("A", 32)
	for _, seed := range []string{
		"USD/2", "USD", "", "/2", "USD/", "USD/123", "USD/2/2", "1USD", "U SD", "€", "usd/2", "a_.-/0", long, long + "A", long + "/99",
		"USD/2\n", "USD/-1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		asset, err := money.ParseAsset(s)
		// In Go $ does not match before a final line feed, so the expression is the contract's as it stands.
		if want := assetForm.MatchString(s); want != (err == nil) {
			t.Errorf("ParseAsset(%q) = %v, want it to be accepted: %v", s, err, want)
		}
		if err == nil && string(asset) != s {
			t.Errorf("ParseAsset(%q) = %q", s, asset)
		}
	})
}
