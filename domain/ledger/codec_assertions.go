package ledger

import (
	"errors"
	"math/big"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// The forms of the events about assertions. Numbers that may exceed 128 bits are written in decimal digits too; of the
// sums, those that are zero are left out.

var errNegative = errors.New("a sum is negative")

func (w *writer) assertionDeclared(e *AssertionDeclared) {
	w.open('{')
	w.number(`"id":`, e.ID)
	w.text(`"account":`, string(e.Pattern))
	w.text(`"asset":`, string(e.Asset))
	if !e.At.IsZero() {
		w.time(`"at":`, e.At)
	}
	w.signed(`"equals":"`, e.Bounds.EQ)
	w.signed(`"gte":"`, e.Bounds.GTE)
	w.signed(`"lte":"`, e.Bounds.LTE)
	w.end('}')
}

func (r *reader) assertionDeclared() AssertionDeclared {
	var e AssertionDeclared
	const id, account, asset, at, equals, gte, lte = 1, 2, 4, 8, 16, 32, 64
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "account":
			r.field(&seen, account)
			e.Pattern = parsed(r, address.ParsePattern)
		case "asset":
			r.field(&seen, asset)
			e.Asset = parsed(r, money.ParseAsset)
		case "at":
			r.field(&seen, at)
			e.At = r.time()
			r.must(!e.At.IsZero()) // which stands for none
		case "equals":
			r.field(&seen, equals)
			e.Bounds.EQ = r.signed()
		case "gte":
			r.field(&seen, gte)
			e.Bounds.GTE = r.signed()
		case "lte":
			r.field(&seen, lte)
			e.Bounds.LTE = r.signed()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|account|asset)
	return e
}

// assertionHeld writes AssertionHeld and AssertionBroken, which have the same fields.
func (w *writer) assertionHeld(e *AssertionHeld) {
	w.open('{')
	w.number(`"id":`, e.ID)
	if e.Transaction != 0 {
		w.number(`"transaction":`, e.Transaction)
	}
	w.big(`"balance":"`, e.Balance)
	w.raw(`"sums":`)
	w.open('{')
	w.sums(`"debit_normal":`, e.Sums.DebitNormal)
	w.sums(`"credit_normal":`, e.Sums.CreditNormal)
	w.close('}')
	w.end('}')
}

func (r *reader) assertionHeld() AssertionHeld {
	var e AssertionHeld
	const id, transaction, balance, sums = 1, 2, 4, 8
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "id":
			r.field(&seen, id)
			e.ID = r.uint64()
		case "transaction":
			r.field(&seen, transaction)
			e.Transaction = r.uint64()
			r.must(e.Transaction != 0)
		case "balance":
			r.field(&seen, balance)
			e.Balance = r.big()
		case "sums":
			r.field(&seen, sums)
			e.Sums = r.assertionSums()
		default:
			r.fail(errUnknownField)
		}
	}
	r.require(seen, id|balance|sums)
	return e
}

func (r *reader) assertionSums() AssertionSums {
	var s AssertionSums
	const debitNormal, creditNormal = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "debit_normal":
			r.field(&seen, debitNormal)
			s.DebitNormal = r.sums()
		case "credit_normal":
			r.field(&seen, creditNormal)
			s.CreditNormal = r.sums()
		default:
			r.fail(errUnknownField)
		}
	}
	return s
}

func (w *writer) sums(name string, s Sums) {
	if isZero(s.Debits) && isZero(s.Credits) {
		return
	}
	w.raw(name)
	w.open('{')
	w.sum(`"debits":"`, s.Debits)
	w.sum(`"credits":"`, s.Credits)
	w.close('}')
}

func (w *writer) sum(name string, n *big.Int) {
	if isZero(n) {
		return
	}
	if n.Sign() < 0 {
		w.err = errNegative
		return
	}
	w.big(name, n)
}

func (r *reader) sums() Sums {
	var s Sums
	const debits, credits = 1, 2
	var seen fields
	for more := r.begin('{', '}'); more; more = r.next('}') {
		switch r.name() {
		case "debits":
			r.field(&seen, debits)
			s.Debits = r.big()
			r.must(s.Debits.Sign() > 0)
		case "credits":
			r.field(&seen, credits)
			s.Credits = r.big()
			r.must(s.Credits.Sign() > 0)
		default:
			r.fail(errUnknownField)
		}
	}
	r.must(seen != 0)
	return s
}

// big writes a number; none at all is written as zero.
func (w *writer) big(name string, n *big.Int) {
	w.raw(name)
	if n == nil {
		n = new(big.Int)
	}
	w.b = n.Append(w.b, 10)
	w.raw(`",`)
}

// big reads a number as it is written: digits without leading zeros, after a "-" where it is negative. It always gives
// one.
func (r *reader) big() *big.Int {
	const most = 80 // 2^256 has 78 digits
	s := r.string()
	n := new(big.Int)
	if s == "0" || r.err != nil {
		return n
	}
	digits := s
	if s != "" && s[0] == '-' {
		digits = s[1:]
	}
	ok := digits != "" && len(digits) <= most && digits[0] != '0'
	for i := range len(digits) {
		ok = ok && '0' <= digits[i] && digits[i] <= '9'
	}
	if !ok {
		r.fail(errBadValue)
		return n
	}
	n.SetString(s, 10)
	return n
}

func isZero(n *big.Int) bool { return n == nil || n.Sign() == 0 }
