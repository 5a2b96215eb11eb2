package envelope_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/internal/envelope"
)

func TestRoundTrip(t *testing.T) {
	full := golden()
	full.Causation = "\"\\/\b\f\n\r\t\x00\x1f\x7f<>&\u2028 é 😀"
	first := envelope.Envelope{Schema: 1, RecordedAt: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)}
	last := envelope.Envelope{Schema: 1<<31 - 1, RecordedAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)}
	for _, e := range []envelope.Envelope{golden(), full, first, last} {
		if err := e.Seal(goldenPlace, goldenData); err != nil {
			t.Fatal(err)
		}
		text := e.AppendJSON([]byte("before"))[len("before"):]
		if !json.Valid(text) {
			t.Errorf("not JSON: %s", text)
		}
		got, err := envelope.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Reading leaves nothing of what was read before.
func TestReadOneAfterAnother(t *testing.T) {
	full := golden()
	full.Causation = "http"
	bare := envelope.Envelope{Schema: 1, RecordedAt: time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)}
	var e envelope.Envelope
	for _, want := range []envelope.Envelope{full, bare, full, full} {
		if err := want.Seal(goldenPlace, goldenData); err != nil {
			t.Fatal(err)
		}
		if err := e.Read(want.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	if _, err := envelope.Parse([]byte(goldenJSON)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version":    {`"envelope":1`, `"envelope":2`},
		"space":              {`"schema":3`, `"schema": 3`},
		"schema 0":           {`"schema":3`, `"schema":0`},
		"schema 03":          {`"schema":3`, `"schema":03`},
		"no schema":          {`"schema":3`, `"schema":`},
		"big schema":         {`"schema":3`, `"schema":99999999999`},
		"big digits":         {`c0de`, `C0DE`},
		"no digit":           {`0198`, `019g`},
		"zeros of a second":  {`00.5Z`, `00.50Z`},
		"comma of a second":  {`00.5Z`, `00,5Z`},
		"ten digits":         {`00.5Z`, `00.1234567895Z`},
		"an hour of a digit": {`12:00:00.5Z`, `2:00:00.55Z`},
		"offset":             {`00.5Z`, `00.5+00:00`},
		"year 0":             {`2026`, `0000`},
		"no time":            {`2026-01-31T12:00:00.5Z`, ``},
		"day 32":             {`01-31`, `01-32`},
		"unknown member":     {`"actor"`, `"x":1,"actor"`},
		"no actor":           {`"actor":"ann",`, ``},
		"empty correlation":  {`"r7"`, `""`},
		"twice":              {`"key":`, `"key":"x","key":`},
		"needless escape":    {`"ann"`, `"\u0061nn"`},
		"short escape":       {`"ann"`, `"\n"`},
		"escape of a big":    {`"ann"`, `"\u001F"`},
		"escape of a quote":  {`"ann"`, `"\u0022"`},
		"unfinished escape":  {`"ann"`, `"\`},
		"control character":  {`"ann"`, "\"a\nn\""},
		"control after \\":   {`"ann"`, "\"\\\\a\nn\""},
		"not UTF-8":          {`"ann"`, "\"\xff\""},
		"short hash":         {`0101","previous`, `01","previous`},
		"no request":         {strings.Repeat("01", 32), strings.Repeat("00", 32)},
		"something behind":   {`"}`, `"} `},
		"nothing":            {goldenJSON, ``},
		"something in front": {`{"env`, ` {"env`},
	} {
		text := strings.Replace(goldenJSON, change[0], change[1], 1)
		if text == goldenJSON {
			t.Errorf("%s: nothing was changed", name)
		}
		if e, err := envelope.Parse([]byte(text)); !errors.Is(err, envelope.ErrSyntax) {
			t.Errorf("%s: got %+v, %v", name, e, err)
		}
	}
	for end := range len(goldenJSON) {
		if _, err := envelope.Parse([]byte(goldenJSON[:end])); err == nil {
			t.Errorf("cut at %d: accepted", end)
		}
	}
}

// FuzzParse: what is accepted is written again byte for byte, is JSON, and reads as encoding/json reads it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goldenJSON))
	f.Add([]byte(strings.Replace(goldenJSON, "ann", `\u0000\"\\é`, 1)))
	f.Add([]byte(strings.Replace(goldenJSON, `"correlation":"r7",`, "", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := envelope.Parse(text)
		if err != nil {
			return
		}
		if again := e.AppendJSON(nil); string(again) != string(text) {
			t.Fatalf("read  %s\nwrote %s", text, again)
		}
		var other struct{ Actor, Correlation, Causation, Key string }
		if err := json.Unmarshal(text, &other); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if other.Actor != e.Actor || other.Correlation != e.Correlation || other.Causation != e.Causation || other.Key != e.Key {
			t.Fatalf("%s: %+v, others read %+v", text, e, other)
		}
	})
}

// FuzzRoundTrip: what is sealed is read again as it was.
func FuzzRoundTrip(f *testing.F) {
	f.Add("ann", "", "\x00\"", "kéy\\", int64(1), int64(2), 1, []byte{1})
	f.Fuzz(func(t *testing.T, actor, correlation, causation, key string, s, ns int64, schema int, noise []byte) {
		e := envelope.Envelope{
			Schema: schema, RecordedAt: time.Unix(s, ns).UTC(),
			Actor: actor, Correlation: correlation, Causation: causation, Key: key,
		}
		copy(e.Request[:], noise)
		copy(e.ID[:], noise)
		if err := e.Seal(goldenPlace, noise); err != nil {
			if utf8.ValidString(actor+"|"+correlation+"|"+causation+"|"+key) && schema > 0 && schema < 1<<31 &&
				e.RecordedAt.Year() > 0 && e.RecordedAt.Year() < 10000 {
				t.Fatal(err)
			}
			return
		}
		got, err := envelope.Parse(e.AppendJSON(nil))
		if err != nil || !cmp.Equal(e, got) {
			t.Fatalf("wrote %+v, read %+v, %v", e, got, err)
		}
		if err := got.Verify(goldenPlace, noise); err != nil {
			t.Fatal(err)
		}
	})
}

func benchmarked(b *testing.B) envelope.Envelope {
	b.Helper()
	b.ReportAllocs()
	e := golden()
	e.Key, e.Correlation, e.Causation = strings.Repeat("k", 36), strings.Repeat("c", 36), "http"
	if err := e.Seal(goldenPlace, goldenData); err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkSeal(b *testing.B) {
	e, data := benchmarked(b), make([]byte, 400)
	for b.Loop() {
		_ = e.Seal(goldenPlace, data)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e, dst := benchmarked(b), []byte(nil)
	for b.Loop() {
		dst = e.AppendJSON(dst[:0])
	}
}

func BenchmarkParse(b *testing.B) {
	e := benchmarked(b)
	text := e.AppendJSON(nil)
	for b.Loop() {
		_, _ = envelope.Parse(text)
	}
}
