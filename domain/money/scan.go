package money

import (
	"fmt"
	"strconv"
)

// quoted is s for a message, cut short where it is long: what is refused comes from anybody.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// unquoted takes the quotes off a JSON string. Digits need no escapes, so a string that has some is refused by the
// parser that the result goes to; so is every other JSON value but an integer.
func unquoted(b []byte) string {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return string(b[1 : len(b)-1])
	}
	return string(b)
}

// scanned gives the text of an SQL value that holds a whole number.
func scanned(source any) (string, error) {
	switch v := source.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	default:
		return "", fmt.Errorf("want text or an integer, not %T", source)
	}
}
