package commands

import (
	"encoding/binary"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func appendTransfers(b []byte, list []ledger.Transfer) []byte {
	plain := true
	for i := range list {
		plain = plain && list[i].Plain()
	}
	if plain {
		b = binary.AppendUvarint(b, 2*uint64(len(list)))
		for i := range list {
			t := &list[i]
			e := ledger.Entry{Account: t.From[0].Account, Asset: t.Asset, Side: ledger.Debit, Amount: t.Amount.Exactly}
			b = appendEntry(b, &e)
			e.Account, e.Side = t.To[0].Account, ledger.Credit
			b = appendEntry(b, &e)
		}
		return b
	}
	b = binary.AppendUvarint(append(b, 0), uint64(len(list)))
	for i := range list {
		b = appendTransfer(b, &list[i])
	}
	return b
}

func appendTransfer(b []byte, t *ledger.Transfer) []byte {
	b = appendText(b, string(t.Asset))
	b = appendAmount(b, t.Amount.Exactly)
	b = appendBool(b, t.Amount.All)
	b = appendAmount(b, t.Amount.UpTo)
	b = binary.AppendUvarint(b, uint64(len(t.From)))
	for i := range t.From {
		b = appendAmount(appendText(b, string(t.From[i].Account)), t.From[i].UpTo)
	}
	b = binary.AppendUvarint(b, uint64(len(t.To)))
	for i := range t.To {
		d := &t.To[i]
		b = appendText(b, string(d.Account))
		b = binary.AppendUvarint(b, d.Share.Numerator)
		b = binary.AppendUvarint(b, d.Share.Denominator)
		b = appendBool(b, d.Remainder)
	}
	return b
}

// appendPreconditions writes nothing where there are none.
func appendPreconditions(b []byte, list []ledger.Precondition) []byte {
	if len(list) == 0 {
		return b
	}
	b = binary.AppendUvarint(appendText(b, "preconditions"), uint64(len(list)))
	for i := range list {
		p := &list[i]
		b = appendText(b, string(p.Account))
		b = appendText(b, string(p.Asset))
		for _, bounds := range [...]ledger.Bounds{p.Balance, p.Available} {
			b = appendLimits(b, ledger.Limits{Min: bounds.GTE, Max: bounds.LTE})
			b = appendLimits(b, ledger.Limits{Min: bounds.EQ})
		}
	}
	return b
}

// appendLate writes nothing where there is nothing to say. It comes last.
func appendLate(b []byte, late ledger.Late) []byte {
	if late == "" {
		return b
	}
	return appendText(appendText(b, "late"), string(late))
}

func appendAmount(b []byte, a money.Amount) []byte {
	hi, lo := a.Words()
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, hi), lo)
}
