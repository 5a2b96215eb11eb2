package httpx_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
)

type thing struct {
	Name  string            `json:"name"`
	Count int               `json:"count"`
	Tags  map[string]string `json:"tags"`
	Parts []struct {
		Size string `json:"size"`
	} `json:"parts"`
}

func post(contentType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/test", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return r
}

func TestBodiesAreReadStrictly(t *testing.T) {
	const js = "application/json"
	for name, tc := range map[string]struct {
		contentType, body string
		code, pointer     string
	}{
		"good":              {js, `{"name":"x","parts":[{"size":"1"}]}`, "", ""},
		"charset":           {js + "; charset=UTF-8", `{}`, "", ""},
		"space around":      {js, " \r\n{}\t", "", ""},
		"other charset":     {js + "; charset=latin1", `{}`, "unsupported_media_type", "none"},
		"other parameter":   {js + "; v=1", `{}`, "unsupported_media_type", "none"},
		"no type":           {"", `{}`, "unsupported_media_type", "none"},
		"form":              {"application/x-www-form-urlencoded", `a=b`, "unsupported_media_type", "none"},
		"empty":             {js, ``, "malformed_request", ""},
		"only space":        {js, "  ", "malformed_request", ""},
		"exactly the limit": {js, `{"name":"` + strings.Repeat("x", 89) + `"}`, "", ""},
		"over the limit":    {js, `{"name":"` + strings.Repeat("x", 90) + `"}`, "too_large", "none"},
		"unknown":           {js, `{"parts":[{"size":"1","sise":"2"}]}`, "malformed_request", "/parts/0/sise"},
		"unknown, escaped":  {js, `{"a/b~c":1}`, "malformed_request", "/a~1b~0c"},
		"other case":        {js, `{"Name":"x"}`, "malformed_request", "/Name"},
		"twice":             {js, `{"name":"x","name":"y"}`, "malformed_request", "/name"},
		"twice, in a map":   {js, `{"tags":{"k":"1","k":"2"}}`, "malformed_request", "/tags/k"},
		"wrong type":        {js, `{"count":"7"}`, "malformed_request", "/count"},
		"wrong type, deep":  {js, `{"parts":[{"size":1}]}`, "malformed_request", "/parts/0/size"},
		"fraction":          {js, `{"count":1.5}`, "malformed_request", "/count"},
		"array":             {js, `[]`, "malformed_request", ""},
		"null":              {js, ` null`, "malformed_request", ""},
		"bad UTF-8":         {js, "{\"name\":\"\xff\"}", "malformed_request", "/name"},
		"lone surrogate":    {js, `{"name":"\ud800"}`, "malformed_request", "/name"},
		"control character": {js, "{\"name\":\"a\nb\"}", "malformed_request", "/name"},
		"trailing":          {js, `{} {}`, "malformed_request", ""},
		"cut off":           {js, `{"name":"x`, "malformed_request", "/name"},
		"comment":           {js, `{/*x*/}`, "malformed_request", ""},
		"deep":              {js, strings.Repeat(`[`, 100), "malformed_request", ""},
		"deep inside":       {js, `{"name":` + strings.Repeat(`[`, 80) + `}`, "malformed_request", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(func(c echo.Context) error {
				var v thing
				if err := httpx.ReadJSON(c, 100, &v); err != nil {
					return err
				}
				return c.NoContent(http.StatusNoContent)
			}, post(tc.contentType, tc.body))
			if tc.code == "" {
				if w.Code != http.StatusNoContent {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				return
			}
			doc := document(t, w)
			if doc["code"] != tc.code {
				t.Fatalf("code %v, want %s\n%s", doc["code"], tc.code, w.Body)
			}
			if got := pointerOf(doc); got != tc.pointer && tc.pointer != "*" {
				t.Errorf("pointer %q, want %q\n%s", got, tc.pointer, w.Body)
			}
		})
	}
}

func pointerOf(doc map[string]any) string {
	list, _ := doc["errors"].([]any)
	if len(list) == 0 {
		return "none"
	}
	pointer, _ := list[0].(map[string]any)["pointer"].(string)
	return pointer
}

func TestAContentEncodingIsRefused(t *testing.T) {
	for encoding, want := range map[string]int{"": 204, "identity": 204, "gzip": 415} {
		r := post("application/json", `{}`)
		r.Header.Set("Content-Encoding", encoding)
		w := serve(func(c echo.Context) error {
			if err := httpx.ReadJSON(c, 100, new(thing)); err != nil {
				return err
			}
			return c.NoContent(http.StatusNoContent)
		}, r)
		if w.Code != want {
			t.Errorf("%q: %d %s", encoding, w.Code, w.Body)
		}
	}
}

func TestABodyThatBreaksOff(t *testing.T) {
	r := post("application/json", "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"name"`), brokenReader{}))
	r.ContentLength = -1
	w := serve(func(c echo.Context) error { return httpx.ReadJSON(c, 100, new(thing)) }, r)
	if doc := document(t, w); doc["code"] != "malformed_request" {
		t.Errorf("%s", w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestAReleasedBodyIsUsedAgainClean(t *testing.T) {
	for _, text := range []string{`{"name":"a long first body"}`, `{}`} {
		serve(func(c echo.Context) error {
			b, err := httpx.ReadBody(c, 100)
			if err != nil {
				return err
			}
			defer b.Release()
			if !bytes.Equal(b.Bytes(), []byte(text)) {
				t.Errorf("got %q, want %q", b.Bytes(), text)
			}
			return nil
		}, post("application/json", text))
	}
}

func TestPathParametersAreDecodedOnce(t *testing.T) {
	for path, want := range map[string]string{
		"users:alice":         "users:alice",
		"a%2Fb":               "a/b",
		"a%20b":               "a b",
		"Einnahmen:B%C3%BCro": "Einnahmen:Büro",
		"Einnahmen:B\u00fcro": "Einnahmen:Büro",
		"100%25":              "100%",
		"100%2525":            "100%25",
		"a%2Fb%2525":          "a/b%25",
		"x%3Ay%3Fz":           "x:y?z",
		"a+b":                 "a+b",
		url.PathEscape("資産:現金/預金 100%"): "資産:現金/預金 100%",
	} {
		r := httptest.NewRequest(http.MethodGet, "/test/x/end", nil)
		u, err := url.Parse("http://h/test/" + path + "/end")
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		w := serve(func(c echo.Context) error {
			got, ok := httpx.PathParam(c, "a")
			if !ok {
				t.Errorf("%s: not decoded", path)
			}
			return c.String(200, got)
		}, r)
		if w.Body.String() != want {
			t.Errorf("%s: got %q, want %q", path, w.Body, want)
		}
	}
}

func TestQueryParametersAreReadStrictly(t *testing.T) {
	type mark struct {
		ID uint64 `json:"id"`
	}
	cursor, err := httpx.EncodeCursor(mark{ID: 7})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"":                                 "ok 50",
		"limit=1000":                       "ok 1000",
		"limit=0":                          "invalid_field ?limit",
		"limit=1001":                       "invalid_field ?limit",
		"limit=x":                          "invalid_field ?limit",
		"limit=1&limit=2":                  "malformed_request ?limit",
		"limt=1":                           "malformed_request ?limt",
		"a=%zz":                            "malformed_request ?",
		"a;b":                              "malformed_request ?",
		"cursor=" + cursor:                 "ok 50 after 7",
		"cursor=!":                         "invalid_field ?cursor",
		"cursor=e30":                       "invalid_field ?cursor",
		"metadata[k]=v":                    "ok 50 k=v",
		"metadata%5Bk%5D=v":                "ok 50 k=v",
		"metadata=v":                       "malformed_request ?metadata",
		"metadata[]=v":                     "malformed_request ?metadata[]",
		"other[k]=v":                       "malformed_request ?other[k]",
		"min_revision=9":                   "ok 50 min 9 5s",
		"min_revision=9&wait=0":            "ok 50 min 9 0s",
		"min_revision=9&wait=1.5":          "ok 50 min 9 1.5s",
		"min_revision=9&wait=1m":           "ok 50 min 9 1m0s",
		"min_revision=9&wait=61":           "invalid_field ?wait",
		"min_revision=9&wait=-1s":          "invalid_field ?wait",
		"min_revision=-1":                  "invalid_field ?min_revision",
		"wait=soon&limit=0":                "invalid_field ?limit ?wait",
		"from=2026-01-31":                  "ok 50 from 2026-01-31T00:00:00Z true",
		"from=2026-01-31T01:00:00%2B02:00": "ok 50 from 2026-01-30T23:00:00Z false",
		"from=yesterday":                   "invalid_field ?from",
	} {
		w := serve(func(c echo.Context) error {
			p, err := httpx.ReadParams(c, "limit", "cursor", "min_revision", "wait", "from", "metadata[]")
			if err != nil {
				return err
			}
			out := []string{"ok"}
			limit := p.Limit()
			after, paged := httpx.Cursor[mark](p)
			revision, wait, waits := p.MinRevision()
			from, bounded := p.Moment("from")
			if err := p.Err(); err != nil {
				return err
			}
			out = append(out, str(limit))
			if paged {
				out = append(out, "after", str(after.ID))
			}
			if waits {
				out = append(out, "min", str(revision), wait.String())
			}
			if bounded {
				out = append(out, "from", from.Time.Format(time.RFC3339), str(from.Date))
			}
			for k, v := range p.Map("metadata") {
				out = append(out, k+"="+v)
			}
			return c.String(200, strings.Join(out, " "))
		}, httptest.NewRequest(http.MethodGet, "/test?"+query, nil))
		got := w.Body.String()
		if w.Code != 200 {
			doc := document(t, w)
			got = doc["code"].(string)
			for _, e := range doc["errors"].([]any) {
				got += " " + e.(map[string]any)["pointer"].(string)
			}
		}
		if got != want {
			t.Errorf("?%s\n got %s\nwant %s", query, got, want)
		}
	}
}

func TestMoments(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31":                          "2026-01-31T00:00:00Z date",
		"0001-01-01":                          "0001-01-01T00:00:00Z date",
		"9999-12-31":                          "9999-12-31T00:00:00Z date",
		"2024-02-29":                          "2024-02-29T00:00:00Z date",
		"2026-01-31T12:00:00Z":                "2026-01-31T12:00:00Z",
		"2026-01-31T12:00:00.5Z":              "2026-01-31T12:00:00.5Z",
		"2026-01-31T12:00:00.123456789+14:00": "2026-01-30T22:00:00.123456789Z",
		"2026-01-31T12:00:00-00:30":           "2026-01-31T12:30:00Z",
		"0000-01-01":                          "", "2025-02-29": "", "2026-1-31": "", "10000-01-01": "",
		"2026-01-31T12:00:00": "", "2026-01-31 12:00:00Z": "", "2026-01-31t12:00:00Z": "", "2026-01-31T12:00:00z": "",
		"2026-01-31T1:00:00Z": "", "2026-01-31T12:00:00,5Z": "", "2026-01-31T12:00:00.Z": "",
		"2026-01-31T12:00:00.1234567891Z": "", "2026-01-31T24:00:00Z": "", "2026-01-31T12:00:60Z": "",
		"2026-01-31T12:00:00+24:00": "", "2026-01-31T12:00:00+0200": "", "2026-01-31T12:00:00+02:60": "",
		"0001-01-01T00:00:00+01:00": "", "9999-12-31T23:59:59-01:00": "", "": "", "now": "", "2026-01-31T12:00Z": "",
		"1769860800": "", "2026-01-31T12:00:00Z ": "",
	} {
		m, err := httpx.ParseMoment(text)
		got := ""
		if err == nil {
			got = m.Time.Format(time.RFC3339Nano)
			if m.Date {
				got += " date"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
