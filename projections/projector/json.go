package projector

import (
	"maps"
	"slices"

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
