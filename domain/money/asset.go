package money

import (
	"errors"
	"fmt"
	"strings"
)

// Asset is what an amount is of: "CODE/scale", such as "USD/2", or "CODE" for scale 0, such as "JPY". The scale says
// how many of an amount's digits people write after the point. Assets are equal where their texts are: "JPY" is not
// "JPY/0". Make one with [ParseAsset]; the zero value is no asset.
type Asset string

var errNotAsset = errors.New("want a letter, then up to 31 letters, digits or any of _ . -, " +
	"then for a scale a slash and one or two digits")

// ParseAsset reads an asset: what ^[A-Za-z][A-Za-z0-9_.-]{0,31}(/[0-9]{1,2})?$ matches.
func ParseAsset(s string) (Asset, error) {
	code, scale, scaled := strings.Cut(s, "/")
	ok := code != "" && len(code) <= 32 && isLetter(code[0])
	for i := 1; ok && i < len(code); i++ {
		c := code[i]
		ok = isLetter(c) || isDigit(c) || c == '_' || c == '.' || c == '-'
	}
	if scaled {
		ok = ok && (len(scale) == 1 || len(scale) == 2)
		for i := 0; ok && i < len(scale); i++ {
			ok = isDigit(scale[i])
		}
	}
	if !ok {
		return "", fmt.Errorf("asset %s: %w", quoted(s), errNotAsset)
	}
	return Asset(s), nil
}

// Code is the asset without its scale.
func (a Asset) Code() string {
	code, _, _ := strings.Cut(string(a), "/")
	return code
}

// Scale is the number of decimal places that people write amounts with, 0 to 99.
func (a Asset) Scale() int {
	_, digits, _ := strings.Cut(string(a), "/")
	scale := 0
	for i := range len(digits) {
		scale = scale*10 + int(digits[i]-'0')
	}
	return scale
}

// Format writes an amount as people do, with the asset's decimal places: 1050 of USD/2 is "10.50".
func Format(asset Asset, amount Amount) string { return point(amount.String(), asset.Scale()) }

// FormatSigned is [Format] for balances: -5 of USD/2 is "-0.05".
func FormatSigned(asset Asset, balance Signed) string {
	text := Format(asset, balance.Abs())
	if balance.IsNegative() {
		return "-" + text
	}
	return text
}

// point puts a decimal point before the last places of digits.
func point(digits string, places int) string {
	if places == 0 {
		return digits
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole := len(digits) - places
	return digits[:whole] + "." + digits[whole:]
}

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
