package ledger

import (
	"fmt"
	"math/bits"

	"github.com/daybook-ledger/daybook/domain/money"
)

// net is the sum of an asset's debits less its credits, in two's complement: 2,000 amounts of 128 bits need 140.
type net struct {
	asset         money.Asset
	top, mid, low uint64
}

func (n *net) add(side Side, amount money.Amount) {
	hi, lo := amount.Words()
	var carry uint64
	if side == Debit {
		n.low, carry = bits.Add64(n.low, lo, 0)
		n.mid, carry = bits.Add64(n.mid, hi, carry)
		n.top += carry
		return
	}
	n.low, carry = bits.Sub64(n.low, lo, 0)
	n.mid, carry = bits.Sub64(n.mid, hi, carry)
	n.top -= carry
}

// unbalanced rejects entries whose debits and credits differ in some asset; the first such asset is named.
func unbalanced(entries []Entry) *Rejection {
	only := net{asset: entries[0].Asset}
	for i := range entries {
		if entries[i].Asset != only.asset {
			return unbalancedInSome(netByAsset(entries))
		}
		only.add(entries[i].Side, entries[i].Amount)
	}
	return only.unbalanced()
}

func unbalancedInSome(sums []net) *Rejection {
	for i := range sums {
		if r := sums[i].unbalanced(); r != nil {
			return r
		}
	}
	return nil
}

func (n *net) unbalanced() *Rejection {
	if n.top|n.mid|n.low == 0 {
		return nil
	}
	return &Rejection{
		Code:   UnbalancedTransaction,
		Asset:  n.asset,
		Detail: fmt.Sprintf("in %s %s; a transaction balances to zero in every asset", n.asset, n.excess()),
	}
}

// netByAsset sums up each asset's entries, in order of first appearance.
func netByAsset(entries []Entry) []net {
	const linear = 8 // up to so many assets it is quicker to look through them than to use a map
	sums := make([]net, 0, linear)
	var places map[money.Asset]int
	at := 0
	for i := range entries {
		e := &entries[i]
		if i == 0 || sums[at].asset != e.Asset {
			var found bool
			if at, found = placeOf(sums, places, e.Asset); !found {
				at = len(sums)
				sums = append(sums, net{asset: e.Asset})
				if len(sums) > linear {
					places = noted(places, sums)
				}
			}
		}
		sums[at].add(e.Side, e.Amount)
	}
	return sums
}

func placeOf(sums []net, places map[money.Asset]int, asset money.Asset) (int, bool) {
	if places != nil {
		at, found := places[asset]
		return at, found
	}
	for i := range sums {
		if sums[i].asset == asset {
			return i, true
		}
	}
	return 0, false
}

// noted adds the last asset to the map, which it makes of all of them at first.
func noted(places map[money.Asset]int, sums []net) map[money.Asset]int {
	if places == nil {
		places = make(map[money.Asset]int, 2*len(sums))
		for i := range sums {
			places[sums[i].asset] = i
		}
	}
	places[sums[len(sums)-1].asset] = len(sums) - 1
	return places
}

// excess says which side is greater, and by how much where that is a number that amounts can have.
func (n *net) excess() string {
	switch n.top {
	case 0:
		return fmt.Sprintf("the debits exceed the credits by %s", money.FromWords(n.mid, n.low))
	case ^uint64(0):
		lo, borrow := bits.Sub64(0, n.low, 0)
		hi, borrow := bits.Sub64(0, n.mid, borrow)
		if borrow == 1 {
			return fmt.Sprintf("the credits exceed the debits by %s", money.FromWords(hi, lo))
		}
	}
	return "the debits and the credits differ by more than 2^128"
}
