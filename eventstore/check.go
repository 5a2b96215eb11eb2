package eventstore

import "fmt"

// maxNameBytes bounds the names of streams and types.
const maxNameBytes = 128

// CheckAppend refuses what no store takes, so that all of them refuse the same: an append without records and a bad
// name with [ErrInvalid], and one whose types, data and metadata have more than maxBytes bytes together with
// [ErrTooLarge].
func CheckAppend(stream string, records []Record, maxBytes int) error {
	if !ValidName(stream) {
		return fmt.Errorf("%w: stream name %q: want 1 to %d letters, digits, '-' and '_'", ErrInvalid, stream, maxNameBytes)
	}
	if len(records) == 0 {
		return fmt.Errorf("%w: nothing to append to stream %q", ErrInvalid, stream)
	}
	size := 0
	for i := range records {
		r := &records[i]
		if !ValidName(r.Type) {
			return fmt.Errorf("%w: type name %q of record %d: want 1 to %d letters, digits, '-' and '_'",
				ErrInvalid, r.Type, i, maxNameBytes)
		}
		size += len(r.Type) + len(r.Data) + len(r.Metadata)
	}
	if size > maxBytes {
		return fmt.Errorf("%w: %d bytes in %d records for stream %q, at most %d are taken in one append",
			ErrTooLarge, size, len(records), stream, maxBytes)
	}
	return nil
}

// ValidName tells whether a stream or a type can have the name: 1 to 128 letters, digits, '-' and '_'.
func ValidName(name string) bool {
	if name == "" || len(name) > maxNameBytes {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
