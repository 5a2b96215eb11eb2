package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/openapi/openapitest"
)

// tour sends the examples of the description to a server, in an order in which all of them succeed.
type tour struct {
	t          *testing.T
	server     string
	operations map[string]openapitest.Operation
	left       map[string]bool // examples that were not sent yet
	revision   uint64          // of the last answer that names one
}

// step is an operation and an example of its body, with the values of the path's parameters that are not "demo".
type step struct {
	operation, example string
	parameters         string // "id=1 account=users:bob"
	status             int
}

// TestTheExamplesOfTheDescriptionWork sends each of them, and asks every other operation something.
func TestTheExamplesOfTheDescriptionWork(t *testing.T) {
	server := serve(t, filepath.Join(t.TempDir(), "data"))
	tour := &tour{t: t, server: server.BaseURL, operations: map[string]openapitest.Operation{}, left: map[string]bool{}}
	for _, o := range traffic.Operations() {
		tour.operations[o.ID] = o
		for _, example := range o.Examples {
			tour.left[o.ID+" "+example.Name] = true
		}
	}
	for _, s := range []step{
		{"openLedger", "wallets", "", 201},
		{"openLedger", "chart", "", 201},
		{"openAccount", "credit", "", 201},
		{"openAccount", "typed", "", 201},
		{"closeAccount", "reason", "account=till:front", 200},
		{"reopenAccount", "reason", "account=till:front", 200},
		{"setAccountMetadata", "patch", "account=users:bob", 200},
		{"postTransaction", "transfer", "", 201},
		{"postTransaction", "entries", "", 201},
		{"postTransaction", "split", "", 201},
		{"postTransaction", "sweep", "", 201},
		{"postTransaction", "several", "", 201},
		{"postTransaction", "guarded", "", 201},
		{"postTransaction", "rehearsal", "", 200},
		{"setTransactionMetadata", "patch", "id=1", 200},
		{"revertTransaction", "reason", "id=2", 201},
		{"revertTransaction", "forced", "id=4", 201},
		{"placeHold", "week", "", 201},
		{"captureHold", "part", "id=1", 201},
		{"captureHold", "transfers", "id=1", 201},
		{"captureHold", "all", "id=1", 201},
		{"placeHold", "lasting", "", 201},
		{"voidHold", "reason", "id=2", 200},
		{"closePeriod", "year", "", 200},
		{"reopenPeriod", "year", "", 200},
		{"declareAssertion", "floor", "", 201},
		{"declareAssertion", "audited", "", 201},
		{"bulk", "atomic", "", 200},
		{"bulk", "mixed", "", 200},
		{"bulk", "lines", "", 200},
		{"replaceChart", "limits", "", 200},
	} {
		tour.send(s)
	}
	for example := range tour.left {
		t.Errorf("the example %q was not tried", example)
	}
	for _, o := range traffic.Operations() {
		if o.Method == http.MethodGet {
			tour.ask(o)
		}
		if !traffic.Saw(o.ID, o.Statuses[0]) && !traffic.Saw(o.ID, http.StatusCreated) {
			t.Errorf("%s has not succeeded", o.ID)
		}
	}
}

func (r *tour) send(s step) {
	r.t.Helper()
	operation := r.operations[s.operation]
	for _, example := range operation.Examples {
		if example.Name != s.example {
			continue
		}
		delete(r.left, s.operation+" "+s.example)
		status, body := r.exchange(operation.Method, r.path(operation, s.parameters), example.Media, example.Body)
		if status != s.status {
			r.t.Errorf("%s, example %s: %d, want %d: %s", s.operation, s.example, status, s.status, body)
			return
		}
		r.reached([]byte(body))
		return
	}
	r.t.Errorf("%s has no example %s", s.operation, s.example)
}

// reached notes the revision of an answer, for the queries to wait for; streams of answers have none in common.
func (r *tour) reached(answer []byte) {
	var a struct{ Revision uint64 }
	if json.Unmarshal(answer, &a) == nil && a.Revision > 0 {
		r.revision = a.Revision
	}
}

// ask queries what all examples have led to.
func (r *tour) ask(o openapitest.Operation) {
	path := r.path(o, "id=1 account=users:alice code=insufficient_funds")
	if strings.Contains(path, "/v1/ledgers/") {
		path += fmt.Sprint("?min_revision=", r.revision)
	}
	if o.ID == "followEvents" {
		r.follow(path)
		return
	}
	if status, body := r.exchange(o.Method, path, "", nil); status != http.StatusOK {
		r.t.Errorf("%s: %d: %s", o.ID, status, body)
	}
	if o.ID == "getEvents" {
		if status, body := r.exchange(o.Method, path, "application/x-ndjson", nil); status != http.StatusOK || !strings.Contains(body, "}\n{") {
			r.t.Errorf("%s as lines: %d: %s", o.ID, status, body)
		}
	}
}

func (r *tour) path(o openapitest.Operation, parameters string) string {
	path := strings.ReplaceAll(o.Path, "{ledger}", "demo")
	for parameter := range strings.FieldsSeq(parameters) {
		name, value, _ := strings.Cut(parameter, "=")
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// exchange gives the whole answer. The media type is that of the body, or of the answer that is wanted.
func (r *tour) exchange(method, path, media string, body []byte) (status int, answer string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.server+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	switch {
	case media == "":
	case method == http.MethodGet:
		request.Header.Set("Accept", media)
	default:
		request.Header.Set("Content-Type", media)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// follow reads a stream of events until it has seen some.
func (r *tour) follow(path string) {
	ctx, leave := context.WithCancel(r.t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.server+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	events := 0
	for lines := bufio.NewScanner(response.Body); events < 30 && lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			events++
		}
	}
	if response.StatusCode != http.StatusOK || events < 30 {
		r.t.Errorf("%s: %d, and %d events", path, response.StatusCode, events)
	}
}
