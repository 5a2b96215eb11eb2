package stream

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestPayloadsRoundTrip(t *testing.T) {
	for name, want := range map[string]Event{
		"usual":         {Revision: 7, Position: "81/3", Data: []byte(`{"a":1}`), Metadata: []byte(`{"b":2}`)},
		"least":         {Position: "", Data: []byte{}, Metadata: []byte{}},
		"most":          {Revision: math.MaxUint64, Position: "1/18446744073709551615", Data: []byte("{}"), Metadata: []byte("{}")},
		"any bytes":     {Position: "0/0", Data: []byte("\x00\xff\r\n\"}"), Metadata: []byte(`}"`)},
		"its own words": {Position: "0/0", Data: []byte(wireEnvelope + wireData), Metadata: []byte(wireEnvelope + wireEnd)},
	} {
		payload := appendPayload(nil, &want)
		var got Event
		if !parsePayload(payload, &got) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s is read as %+v", name, payload, got)
		}
		for n := range payload {
			if parsePayload(payload[:n], &Event{}) && n < len(payload)-len(want.Metadata)-1 {
				t.Errorf("%s: read without its end: %s", name, payload[:n])
			}
		}
	}
}

func TestOtherPayloadsAreNoEvents(t *testing.T) {
	good := string(appendPayload(nil, &Event{Revision: 7, Position: "81/3", Data: []byte("{}"), Metadata: []byte("{}")}))
	for _, bad := range []string{
		"", "{}", good + " ", " " + good,
		strings.Replace(good, "7", "-7", 1),
		strings.Replace(good, "7", "", 1),
		strings.Replace(good, "7", "18446744073709551616", 1),
		strings.Replace(good, `"size":2`, `"size":1`, 1),
		strings.Replace(good, `"size":2`, `"size":2000`, 1),
		strings.Replace(good, `"size":2`, `"size":18446744073709551615`, 1),
		strings.Replace(good, "envelope", "metadata", 1),
	} {
		var e Event
		if parsePayload([]byte(bad), &e) {
			t.Errorf("%q is read as %+v", bad, e)
		}
	}
}
