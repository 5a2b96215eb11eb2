package projector

import (
	"maps"
	"slices"
	"strconv"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string. The text is valid UTF-8: events hold nothing else.
func AppendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return append(append(dst, text[start:]...), '"')
}

// Metadata is metadata as a JSON object, in the order of its keys.
func Metadata(metadata ledger.Metadata) string {
	if len(metadata) == 0 {
		return "{}"
	}
	dst := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, key), ':')
		dst = AppendString(dst, metadata[key])
	}
	return string(append(dst, '}'))
}

// AppendEntries appends entries as wire.Entry would be: this is done for every transaction, by reflection too slowly.
func AppendEntries(dst []byte, entries []ledger.Entry) []byte {
	dst = append(dst, '[')
	for i := range entries {
		entry := &entries[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(append(dst, `{"account":`...), string(entry.Account))
		dst = append(append(append(dst, `,"asset":"`...), entry.Asset...), '"') // an asset needs no escapes
		if entry.Side == ledger.Debit {
			dst = append(dst, `,"debit":"`...)
		} else {
			dst = append(dst, `,"credit":"`...)
		}
		dst, _ = entry.Amount.AppendText(dst)
		dst = append(dst, `"}`...)
	}
	return append(dst, ']')
}

// Numbers are numbers as a JSON array.
func Numbers(numbers []uint64) string {
	dst := []byte{'['}
	for i, n := range numbers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	return string(append(dst, ']'))
}
