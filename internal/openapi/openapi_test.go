package openapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/openapi"
	"github.com/daybook-ledger/daybook/internal/openapi/openapitest"
)

func document(t *testing.T) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(openapi.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

var reference = regexp.MustCompile(`"\$ref":"#/components/(\w+)/(\w+)"`)

func TestEveryComponentIsThereAndUsed(t *testing.T) {
	used := map[string]bool{}
	for _, m := range reference.FindAllSubmatch(openapi.Document(), -1) {
		used[string(m[1])+"/"+string(m[2])] = true
	}
	if all := bytes.Count(openapi.Document(), []byte(`"$ref"`)); all != len(reference.FindAll(openapi.Document(), -1)) {
		t.Error("some references are not to components")
	}
	for kind, components := range document(t)["components"].(map[string]any) {
		for name := range components.(map[string]any) {
			if !used[kind+"/"+name] {
				t.Errorf("%s/%s is not used", kind, name)
			}
			delete(used, kind+"/"+name)
		}
	}
	for name := range used {
		t.Errorf("%s is used, and is not there", name)
	}
}

func TestTheCodesAreThoseOfTheTable(t *testing.T) {
	schemas := document(t)["components"].(map[string]any)["schemas"].(map[string]any)
	var described []string
	for _, code := range schemas["Code"].(map[string]any)["enum"].([]any) {
		described = append(described, code.(string))
	}
	var known []string
	status := map[string]int{}
	for _, e := range httpx.Codes() {
		known = append(known, string(e.Code))
		status[string(e.Code)] = e.Status
	}
	slices.Sort(described)
	slices.Sort(known)
	if !slices.Equal(described, known) {
		t.Errorf("described %v\nknown %v", described, known)
	}
	for path, item := range document(t)["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			for at, answer := range op.(map[string]any)["responses"].(map[string]any) {
				for _, code := range codesOf(t, answer) {
					if status[code] == 0 || http.StatusText(status[code]) == "" || at != strings.TrimSpace(jsonOf(t, status[code])) {
						t.Errorf("%s %s: %s is described with status %s; the table has %d", method, path, code, at, status[code])
					}
				}
			}
		}
	}
}

// codesOf finds the codes of an answer, behind a reference if need be.
func codesOf(t *testing.T, answer any) []string {
	t.Helper()
	object := answer.(map[string]any)
	if to, ok := object["$ref"].(string); ok {
		object = document(t)["components"].(map[string]any)["responses"].(map[string]any)[to[strings.LastIndex(to, "/")+1:]].(map[string]any)
	}
	content, _ := object["content"].(map[string]any)
	problem, ok := content[httpx.ProblemType].(map[string]any)
	if !ok {
		return nil
	}
	var codes []string
	for _, part := range problem["schema"].(map[string]any)["allOf"].([]any) {
		if properties, ok := part.(map[string]any)["properties"].(map[string]any); ok {
			for _, code := range properties["code"].(map[string]any)["enum"].([]any) {
				codes = append(codes, code.(string))
			}
		}
	}
	if len(codes) == 0 {
		t.Errorf("an answer says that it is a problem, and not which: %s", jsonOf(t, answer))
	}
	return codes
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRequestsAreClosed looks at the schemas of all request bodies, and what they lead to.
func TestRequestsAreClosed(t *testing.T) {
	doc := document(t)
	seen := map[string]bool{}
	var visit func(at string, value any)
	visit = func(at string, value any) {
		object, ok := value.(map[string]any)
		if !ok {
			if list, ok := value.([]any); ok {
				for _, item := range list {
					visit(at, item)
				}
			}
			return
		}
		if to, ok := object["$ref"].(string); ok && !seen[to] {
			seen[to] = true
			step := strings.Split(strings.TrimPrefix(to, "#/components/"), "/")
			visit(to, doc["components"].(map[string]any)[step[0]].(map[string]any)[step[1]])
		}
		if object["type"] == "object" && object["additionalProperties"] == nil && at != "#/components/schemas/BulkCommand" {
			t.Errorf("%s: an object of a request may have any members", at)
		}
		for name, member := range object {
			if name != "examples" {
				visit(at, member)
			}
		}
	}
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method != "parameters" {
				visit(method+" "+path, op.(map[string]any)["requestBody"])
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d schemas were looked at", len(seen))
	}
}

func TestEveryOperationSaysWhatItIs(t *testing.T) {
	seen := map[string]bool{}
	for path, item := range document(t)["paths"].(map[string]any) {
		for method, value := range item.(map[string]any) {
			op, ok := value.(map[string]any)
			if !ok {
				continue
			}
			id, _ := op["operationId"].(string)
			summary, _ := op["summary"].(string)
			about, _ := op["description"].(string)
			if id == "" || seen[id] || summary == "" || about == "" || len(op["tags"].([]any)) != 1 {
				t.Errorf("%s %s wants an id of its own, a summary, a description and one tag", method, path)
			}
			seen[id] = true
		}
	}
}

func get(t *testing.T, path, tag string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.Use(openapitest.Watch(t).Middleware)
	openapi.Register(e)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestWhatIsServedIsKeptUntilItChanges(t *testing.T) {
	for _, path := range []string{"/openapi.json", "/docs"} {
		first := get(t, path, "")
		tag := first.Header().Get("ETag")
		if first.Code != http.StatusOK || tag == "" || first.Header().Get("Cache-Control") != "no-cache" || first.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, first.Code, first.Header())
		}
		for _, list := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			if again := get(t, path, list); again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("ETag") != tag {
				t.Errorf("%s with If-None-Match %s: %d", path, list, again.Code)
			}
		}
		if other := get(t, path, `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s with another tag: %d", path, other.Code)
		}
	}
}

var outside = regexp.MustCompile(`(?i)(src|href|url|import)\s*[=(:]\s*["']?\s*(https?:)?//`)

func TestThePageAsksNobodyElse(t *testing.T) {
	page := get(t, "/docs", "")
	if found := outside.FindString(page.Body.String()); found != "" {
		t.Errorf("the page has %q", found)
	}
	policy := page.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is %q", policy)
	}
}

// TestTheCheckerFinds breaks the description in many ways, each of which one exchange must bring to light.
func TestTheCheckerFinds(t *testing.T) {
	const body = `{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":["string","null"]}}}`
	const answer = `{"description":"","headers":{"ETag":{"required":true,"schema":{"pattern":"^x"}}},"content":{"application/json":{"schema":{"type":"object","required":["b"],"properties":{"b":{"type":"integer","maximum":340282366920938463463374607431768211455}}}}}}`
	const doc = `{"paths":{"/p/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"pattern":"^1"}}],
		"post":{"operationId":"o","parameters":[{"name":"n","in":"query","schema":{"type":"integer"}}],
		"requestBody":{"content":{"application/json":{"schema":` + body + `}}},"responses":{"200":` + answer + `}}}}}`
	type exchange struct {
		path, body, media, answer, tag string
		status                         int
	}
	good := exchange{path: "/p/1?n=5", body: `{"a":null}`, media: httpx.MediaJSON, answer: `{"b":340282366920938463463374607431768211455}`, tag: "x", status: 200}
	for name, test := range map[string]struct {
		change func(*exchange)
		want   string
	}{
		"nothing":                  {func(*exchange) {}, ""},
		"an unknown path":          {func(x *exchange) { x.path = "/q" }, "no such operation"},
		"an unknown status":        {func(x *exchange) { x.status = 201 }, "not described to answer with this status"},
		"an unknown media type":    {func(x *exchange) { x.media = "text/plain" }, "text/plain"},
		"a missing header":         {func(x *exchange) { x.tag = "" }, "no header Etag"},
		"a bad header":             {func(x *exchange) { x.tag = "y" }, "header Etag"},
		"a missing member":         {func(x *exchange) { x.answer = `{}` }, "missing property"},
		"a member too many":        {func(x *exchange) { x.answer = `{"b":1,"c":2}` }, "additional properties 'c'"},
		"one more than the most":   {func(x *exchange) { x.answer = `{"b":340282366920938463463374607431768211456}` }, "maximum"},
		"broken JSON":              {func(x *exchange) { x.answer = `{"b":` }, "not JSON"},
		"an unknown parameter":     {func(x *exchange) { x.path += "&m=1" }, "not described"},
		"a bad parameter":          {func(x *exchange) { x.path = "/p/1?n=x" }, `n="x"`},
		"a bad path":               {func(x *exchange) { x.path = "/p/2" }, `id="2"`},
		"an accepted bad body":     {func(x *exchange) { x.body = `{"a":1}` }, "accepted with a body"},
		"an accepted unknown name": {func(x *exchange) { x.body = `{"a":"","z":1}` }, "accepted with a body"},
	} {
		t.Run(name, func(t *testing.T) {
			x := good
			test.change(&x)
			handler := func(c echo.Context) error {
				if _, err := new(bytes.Buffer).ReadFrom(c.Request().Body); err != nil {
					return err
				}
				if x.tag != "" {
					c.Response().Header().Set("ETag", x.tag)
				}
				return c.Blob(x.status, x.media, []byte(x.answer))
			}
			for side, send := range map[string]func(*openapitest.Checker, *echo.Echo, *http.Request){"server": onServer, "client": onClient} {
				checker, err := openapitest.New([]byte(doc))
				if err != nil {
					t.Fatal(err)
				}
				e := echo.New()
				e.POST("/*", handler)
				r := httptest.NewRequest(http.MethodPost, x.path, strings.NewReader(x.body))
				r.Header.Set("Content-Type", httpx.MediaJSON)
				send(checker, e, r)
				faults := checker.Faults()
				if test.want == "" && len(faults) > 0 {
					t.Errorf("%s: %v", side, faults)
				}
				if test.want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Error(), test.want)) {
					t.Errorf("%s: %v, want one with %q", side, faults, test.want)
				}
			}
		})
	}
}

func onServer(c *openapitest.Checker, e *echo.Echo, r *http.Request) {
	e.Pre(c.Middleware)
	e.ServeHTTP(httptest.NewRecorder(), r)
}

func onClient(c *openapitest.Checker, e *echo.Echo, r *http.Request) {
	response, err := c.Transport(inProcess{e}).RoundTrip(r)
	if err == nil {
		_, _ = new(bytes.Buffer).ReadFrom(response.Body)
		response.Body.Close()
	}
}

type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestStreamsAreCheckedLineByLine(t *testing.T) {
	const event = `{"schema":{"type":"object","required":["r"],"properties":{"r":{"type":"integer"}}}}`
	const doc = `{"paths":{"/e":{"get":{"operationId":"e","responses":{"200":{"description":"","content":{"application/x-ndjson":` + event + `,"text/event-stream":` + event + `}}}}}}}`
	for media, bodies := range map[string][2]string{
		httpx.MediaNDJSON:   {"{\"r\":1}\n{\"r\":2}\n", "{\"r\":1}\n{}"},
		"text/event-stream": {"id: 1\ndata: {\"r\":1}\n\n: beat\n\n", "id: 1\ndata: {\"s\":1}\n\n"},
	} {
		for i, body := range bodies {
			checker, err := openapitest.New([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			e := echo.New()
			e.GET("/e", func(c echo.Context) error { return c.Blob(200, media, []byte(body)) })
			onServer(checker, e, httptest.NewRequest(http.MethodGet, "/e", nil))
			if faults := checker.Faults(); (len(faults) > 0) != (i == 1) {
				t.Errorf("%s %q: %v", media, body, faults)
			}
		}
	}
}

func TestExamplesAreAsDescribed(t *testing.T) {
	checker := openapitest.Watch(t)
	for _, o := range checker.Operations() {
		command := o.Method != http.MethodGet
		if command != (len(o.Examples) > 0) {
			t.Errorf("%s has %d examples of its body", o.ID, len(o.Examples))
		}
		for _, example := range o.Examples {
			if err := checker.ValidBody(o.ID, example.Media, example.Body); err != nil {
				t.Errorf("%s, example %s: %v", o.ID, example.Name, err)
			}
		}
	}
}
