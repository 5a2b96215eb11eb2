package envelope

import (
	"encoding/hex"
	"strconv"
	"time"
)

const hexDigits = "0123456789abcdef"

// AppendJSON appends the envelope as JSON to dst, in one line, always in the same order:
//
//	{"envelope":1,"id":"0198…","schema":1,"recorded_at":"2026-01-31T12:00:00.5Z","actor":"alice",
//	 "correlation":"…","causation":"…","key":"…","request":"<hex>","previous":"<hex>","hash":"<hex>"}
//
// Correlation, causation, key and request are left out where they are empty or zero. "envelope" is the version of this
// form. The envelope must be one that [Envelope.Seal] accepts.
func (e *Envelope) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"envelope":1,"id":"`...)
	dst = appendUUID(dst, e.ID)
	dst = append(dst, `","schema":`...)
	dst = strconv.AppendInt(dst, int64(e.Schema), 10)
	dst = append(dst, `,"recorded_at":"`...)
	dst = appendTime(dst, e.RecordedAt)
	dst = append(dst, `","actor":"`...)
	dst = appendString(dst, e.Actor)
	dst = appendMember(dst, `","correlation":"`, e.Correlation)
	dst = appendMember(dst, `","causation":"`, e.Causation)
	dst = appendMember(dst, `","key":"`, e.Key)
	if e.Request != (Hash{}) {
		dst = append(dst, `","request":"`...)
		dst = hex.AppendEncode(dst, e.Request[:])
	}
	dst = append(dst, `","previous":"`...)
	dst = hex.AppendEncode(dst, e.Previous[:])
	dst = append(dst, `","hash":"`...)
	dst = hex.AppendEncode(dst, e.Hash[:])
	return append(dst, `"}`...)
}

// appendMember leaves the preceding string open for the next member to close.
func appendMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, name...)
	return appendString(dst, value)
}

// appendTime writes RFC 3339 in UTC with as many digits of the second as are needed.
func appendTime(dst []byte, t time.Time) []byte { return t.AppendFormat(dst, time.RFC3339Nano) }

func appendUUID(dst []byte, id [16]byte) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// appendString escapes what JSON does not allow in a string and nothing else, each such byte as \", \\ or \u00xx.
func appendString(dst []byte, s string) []byte {
	done := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
		done = i + 1
	}
	return append(dst, s[done:]...)
}
