package postgres

import "strings"

// A text that is stored has these two bytes in place of U+0000, and in place of U+0001 itself. All other texts are stored as
// they are, and what sorts before another still does.
const (
	escape   = '\x01'
	ofNull   = '0'
	ofItself = '1'
)

// AppendText appends a text as it is stored.
func AppendText(dst []byte, text string) []byte {
	for {
		i := strings.IndexFunc(text, isEscaped)
		if i < 0 {
			return append(dst, text...)
		}
		of := byte(ofNull)
		if text[i] == escape {
			of = ofItself
		}
		dst = append(append(dst, text[:i]...), escape, of)
		text = text[i+1:]
	}
}

func isEscaped(r rune) bool { return r <= escape }

// Stored is a text as it is stored.
func Stored(text string) string {
	if strings.IndexFunc(text, isEscaped) < 0 {
		return text
	}
	return string(AppendText(nil, text))
}

// plainText is the text that is stored.
func plainText(stored string) string {
	plain := make([]byte, 0, len(stored))
	for i := 0; i < len(stored); i++ {
		if stored[i] == escape && i+1 < len(stored) {
			i++
			plain = append(plain, stored[i]-ofNull)
			continue
		}
		plain = append(plain, stored[i])
	}
	return string(plain)
}
