package projector

import (
	"strconv"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// Metadata is metadata as a JSON object, in the order of its keys.
func Metadata(metadata ledger.Metadata) string {
	if len(metadata) == 0 {
		return "{}"
	}
	return string(wire.AppendMetadata(nil, metadata))
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
