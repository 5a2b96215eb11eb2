package commands

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// digestOf is the fingerprint of a command: SHA-256 over its kind and its fields, each with its length, so that neither
// the order of fields in the JSON nor its spaces nor the notation of amounts matters. Fingerprints are kept in the log
// with idempotency keys: this form never changes for a command that could have been sent before the change.
func digestOf(cmd ledger.Command) envelope.Hash {
	buf := buffers.get()
	defer buffers.put(buf)
	*buf = appendCanonical(*buf, cmd)
	return sha256.Sum256(*buf)
}

func appendCanonical(b []byte, cmd ledger.Command) []byte {
	switch cmd := cmd.(type) {
	case ledger.OpenLedger:
		b = appendText(b, "daybook:open_ledger:1")
		b = appendText(b, cmd.Name)
		b = appendText(b, string(cmd.Template))
		b = appendChart(b, cmd.Chart)
		return appendMetadata(b, cmd.Metadata)
	case ledger.OpenAccount:
		b = appendText(b, "daybook:open_account:1")
		b = appendText(b, string(cmd.Address))
		b = appendText(b, string(cmd.Type))
		b = appendLimits(b, cmd.Limits)
		return appendMetadata(b, cmd.Metadata)
	case ledger.PostTransaction:
		b = appendText(b, "daybook:post_transaction:1")
		b = appendMovement(b, &cmd.Movement)
		// What follows came later, and is written only where it is given.
		b = appendPreconditions(b, cmd.Preconditions)
		return appendLate(b, cmd.Late)
	default:
		return appendFurther(b, cmd)
	}
}

// appendMovement writes all of a movement but Late, which is for the end. Plain transfers are written as the entries that
// they make, whatever the book; a list of any others as no entries, and then the transfers.
func appendMovement(b []byte, m *ledger.Movement) []byte {
	if len(m.Transfers) > 0 {
		b = appendTransfers(b, m.Transfers)
	} else {
		b = binary.AppendUvarint(b, uint64(len(m.Entries)))
		for i := range m.Entries {
			b = appendEntry(b, &m.Entries[i])
		}
	}
	b = binary.AppendVarint(b, m.EffectiveAt.Unix())
	b = binary.AppendUvarint(b, uint64(m.EffectiveAt.Nanosecond()))
	b = appendText(b, m.Reference)
	b = appendText(b, m.Description)
	return appendMetadata(b, m.Metadata)
}

func appendEntry(b []byte, e *ledger.Entry) []byte {
	b = appendText(b, string(e.Account))
	b = appendText(b, string(e.Asset))
	hi, lo := e.Amount.Words()
	b = append(b, byte(e.Side))
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, hi), lo)
}

func appendChart(b []byte, c *ledger.Chart) []byte {
	if c == nil {
		return append(b, 0)
	}
	b = appendText(append(b, 1), string(c.Undeclared))
	b = binary.AppendUvarint(b, uint64(len(c.Rules)))
	for i := range c.Rules {
		r := &c.Rules[i]
		b = appendText(b, r.Pattern.String())
		b = appendBool(b, r.AnyCase)
		b = appendText(b, string(r.Type))
		b = appendLimits(b, r.Limits)
		b = binary.AppendUvarint(b, uint64(len(r.Assets)))
		for _, asset := range r.Assets {
			b = appendText(b, string(asset))
		}
	}
	return b
}

func appendLimits(b []byte, l ledger.Limits) []byte {
	for _, bound := range [...]*money.Signed{l.Min, l.Max} {
		if bound == nil {
			b = appendText(b, "")
			continue
		}
		b = appendText(b, bound.String())
	}
	return b
}

func appendMetadata(b []byte, m ledger.Metadata) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	if len(m) == 0 {
		return b
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b = appendText(appendText(b, key), m[key])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
