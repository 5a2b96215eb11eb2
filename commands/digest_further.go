package commands

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// appendFurther writes the canonical form of commands other than openings and transactions. What is looked up in the log
// is not part of what was requested.
func appendFurther(b []byte, cmd ledger.Command) []byte {
	switch cmd := cmd.(type) {
	case ledger.PlaceHold:
		b = appendMovement(appendText(b, "daybook:place_hold:1"), &cmd.Movement)
		b = appendTime(b, cmd.ExpiresAt)
		b = binary.AppendVarint(b, int64(cmd.ExpiresIn))
		return appendPreconditions(b, cmd.Preconditions)
	case ledger.CaptureHold:
		b = binary.AppendUvarint(appendText(b, "daybook:capture_hold:1"), cmd.ID)
		b = appendAmount(b, cmd.Amount)
		b = appendBool(b, cmd.Final)
		return appendLate(appendMovement(b, &cmd.Movement), cmd.Late)
	case ledger.VoidHold:
		return appendText(binary.AppendUvarint(appendText(b, "daybook:void_hold:1"), cmd.ID), cmd.Reason)
	case ledger.RevertTransaction:
		b = binary.AppendUvarint(appendText(b, "daybook:revert_transaction:1"), cmd.ID)
		b = appendBool(appendText(b, cmd.Reason), cmd.Force)
		return appendLate(appendTime(b, cmd.EffectiveAt), cmd.Late)
	case ledger.ReplaceChart:
		return appendChart(appendText(b, "daybook:replace_chart:1"), &cmd.Chart)
	case ledger.CloseAccount:
		return appendText(appendText(appendText(b, "daybook:close_account:1"), string(cmd.Address)), cmd.Reason)
	case ledger.ReopenAccount:
		return appendText(appendText(appendText(b, "daybook:reopen_account:1"), string(cmd.Address)), cmd.Reason)
	case ledger.SetAccountMetadata:
		return appendPatch(appendText(appendText(b, "daybook:set_account_metadata:1"), string(cmd.Address)), cmd.Patch)
	case ledger.SetTransactionMetadata:
		return appendPatch(binary.AppendUvarint(appendText(b, "daybook:set_transaction_metadata:1"), cmd.ID), cmd.Patch)
	case ledger.ClosePeriod:
		return appendText(binary.AppendVarint(appendText(b, "daybook:close_period:1"), int64(cmd.Through)), cmd.Reason)
	case ledger.ReopenPeriod:
		return appendText(binary.AppendVarint(appendText(b, "daybook:reopen_period:1"), int64(cmd.Through)), cmd.Reason)
	case ledger.DeclareAssertion:
		b = appendText(appendText(b, "daybook:declare_assertion:1"), cmd.Pattern.String())
		b = appendTime(appendText(b, string(cmd.Asset)), cmd.At)
		return appendBounds(b, cmd.Bounds)
	default:
		panic(fmt.Sprintf("commands: fingerprint of a %T", cmd)) // no client sends one
	}
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

func appendPatch(b []byte, p ledger.MetadataPatch) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	for _, key := range slices.Sorted(maps.Keys(p)) {
		b = appendBool(appendText(b, key), p[key] != nil)
		if value := p[key]; value != nil {
			b = appendText(b, *value)
		}
	}
	return b
}

func appendBounds(b []byte, bounds ledger.Bounds) []byte {
	for _, bound := range [...]*money.Signed{bounds.EQ, bounds.GTE, bounds.LTE} {
		text := ""
		if bound != nil {
			text = bound.String()
		}
		b = appendText(b, text)
	}
	return b
}
