package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of an asset's code and scale.
const (
	maxCode  = 32
	maxScale = 99
)

// assets turns commodities into assets, one for one.
type assets struct {
	scales map[string]int
	names  map[string]string // by commodity
	owners map[string]string // by code: the commodity that has it
}

// writtenScales finds each commodity's scale: the largest number of decimals of the amounts written in postings, costs
// and assertions aside, or of the costs where no amount is written in it.
func writtenScales(entries []*entry) map[string]int {
	scales, costs := map[string]int{}, map[string]int{}
	for _, e := range entries {
		for _, p := range e.postings {
			if written, ok := p.counted(); ok {
				scales[written.commodity] = max(scales[written.commodity], written.quantity.places)
			}
			if p.cost != nil {
				costs[p.cost.commodity] = max(costs[p.cost.commodity], p.cost.quantity.places)
			}
		}
	}
	for commodity, places := range costs {
		if _, written := scales[commodity]; !written {
			scales[commodity] = places
		}
	}
	return scales
}

// name is the asset of a commodity.
func (a *assets) name(commodity string) (string, error) {
	if name, found := a.names[commodity]; found {
		return name, nil
	}
	code, err := assetCode(commodity)
	if err != nil {
		return "", err
	}
	if owner, taken := a.owners[code]; taken {
		return "", fmt.Errorf("the commodities %q and %q would both be the asset %s: use one of them", owner, commodity, code)
	}
	scale := a.scales[commodity]
	if scale > maxScale {
		return "", fmt.Errorf("the commodity %q has %d decimals; an asset has at most %d", commodity, scale, maxScale)
	}
	name := code
	if scale > 0 {
		name += "/" + strconv.Itoa(scale)
	}
	a.owners[code], a.names[commodity] = commodity, name
	return name, nil
}

var signs = map[string]string{"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}

var errNoAsset = errors.New("an amount without a commodity has no asset: name one, or declare a default with `D`")

// assetCode is the code that stands for a commodity. What a code cannot hold is written as "_" and two hexadecimal
// digits, in capitals, for each byte of UTF-8.
func assetCode(commodity string) (string, error) {
	if code, known := signs[commodity]; known {
		return code, nil
	}
	if commodity == "" {
		return "", errNoAsset
	}
	var code strings.Builder
	for i := range len(commodity) {
		c := commodity[i]
		if isLetter(c) || isDigit(rune(c)) || strings.IndexByte("_.-", c) >= 0 {
			code.WriteByte(c)
		} else {
			fmt.Fprintf(&code, "_%02X", c)
		}
	}
	switch {
	case !isLetter(code.String()[0]):
		return "", fmt.Errorf("the commodity %q would be the asset %s, but an asset begins with a letter: rename it",
			commodity, code.String())
	case code.Len() > maxCode:
		return "", fmt.Errorf("the commodity %q would be the asset %s, which is longer than %d characters: rename it",
			commodity, code.String(), maxCode)
	}
	return code.String(), nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
