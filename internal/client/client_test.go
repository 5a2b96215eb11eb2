package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
)

// serve answers every request with the function; the client is for it.
func serve(t *testing.T, answer http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &client.Client{BaseURL: server.URL + "/", HTTP: server.Client()}
}

func TestRequests(t *testing.T) {
	var seen string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = fmt.Sprintf("%s %s key=%s type=%s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Idempotency-Key"), r.Header.Get("Content-Type"), body)
		fmt.Fprint(w, `{}`)
	})
	revision := uint64(7)
	for _, test := range []struct {
		send func() error
		want string
	}{
		{
			func() error { _, err := c.OpenLedger(t.Context(), client.NewLedger{Name: "main"}, "k"); return err },
			`POST /v1/ledgers key=k type=application/json {"name":"main"}`,
		},
		{
			func() error {
				_, err := c.Account(t.Context(), "main", "a/b:c d?", client.Query{MinRevision: &revision})
				return err
			},
			`GET /v1/ledgers/main/accounts/a%2Fb:c%20d%3F?min_revision=7 key= type= `,
		},
		{
			func() error { _, err := c.Stream(t.Context(), "main", strings.NewReader("x\n")); return err },
			"POST /v1/ledgers/main/bulk key= type=application/x-ndjson x\n",
		},
		{
			func() error {
				_, err := c.SendAlone(t.Context(), "main", client.Command{
					Type: client.CloseAccount, IdempotencyKey: "k", Data: json.RawMessage(`{"address":"a/b","reason":"r","new":{"x":1.50}}`),
				})
				return err
			},
			`POST /v1/ledgers/main/accounts/a%2Fb/close key=k type=application/json {"new":{"x":1.50},"reason":"r"}`,
		},
		{
			func() error {
				_, err := c.SendAlone(t.Context(), "main", client.Command{Type: client.ReplaceChart, Data: json.RawMessage(`{"rules": []}`)})
				return err
			},
			`PUT /v1/ledgers/main/chart key= type=application/json {"rules": []}`,
		},
	} {
		if err := test.send(); err != nil {
			t.Errorf("%s: %v", test.want, err)
		}
		if seen != test.want {
			t.Errorf("sent %s\nwant %s", seen, test.want)
		}
	}
}

func TestCommandsThatNoRequestCanBeMadeOf(t *testing.T) {
	for _, test := range []struct{ kind, data, want string }{
		{client.CloseAccount, `{"reason":"r"}`, `no "address"`},
		{client.CloseAccount, `{"address":null}`, `no "address"`},
		{client.ReopenAccount, `{"address":7}`, `no "address"`},
		{client.ClosePeriod, `null`, "not an object"},
		{client.ClosePeriod, `[]`, "not an object"},
		{client.ClosePeriod, ``, "not an object"},
		{client.DeclareAssertion, `{}`, ""},
	} {
		err := client.CheckAlone(client.Command{Type: test.kind, Data: json.RawMessage(test.data)})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %v, want %q", test.kind, test.data, err, test.want)
		}
	}
	if client.IsAlone(client.OpenAccount) || !client.IsAlone(client.ReopenPeriod) || len(client.TypesAlone()) != 6 {
		t.Errorf("types that are sent by themselves: %v", client.TypesAlone())
	}
}

func TestProblems(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/odd") {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"code":"reference_exists","status":409,"detail":"It is taken.","transaction":5,"errors":[{"pointer":"/reference","detail":"taken"}]}`)
	})
	_, err := c.Ledger(t.Context(), "main", client.Query{})
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != 409 || problem.Transaction != 5 || !client.IsCode(err, "reference_exists") {
		t.Errorf("got %#v", err)
	}
	if want := "409 reference_exists: It is taken. [/reference: taken]"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := c.Ledger(t.Context(), "odd", client.Query{}); err == nil || errors.As(err, &problem) && problem.Code == "" ||
		!strings.Contains(err.Error(), "502 Bad Gateway") || !strings.Contains(err.Error(), "bad gateway") {
		t.Errorf("got %v", err)
	}
}

func TestBulkResults(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"results":[{"status":201,"transaction":{"id":3},"revision":9},{"status":409,"code":"reference_exists","transaction":3}],"revision":9}`)
	})
	r, err := c.Bulk(t.Context(), "main", false, nil)
	if err != nil || len(r.Results) != 2 || r.Revision != 9 {
		t.Fatalf("got %+v, %v", r, err)
	}
	if first := r.Results[0]; first.Problem != nil || first.Accepted.Transaction.ID != 3 || first.Accepted.Revision != 9 {
		t.Errorf("the first is %+v", first)
	}
	if second := r.Results[1]; second.Problem == nil || second.Problem.Status != 409 || second.Problem.Transaction != 3 {
		t.Errorf("the second is %+v", second)
	}
}

func TestPagesFollowCursors(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("cursor") {
		case "":
			fmt.Fprint(w, `{"data":[{"name":"a"},{"name":"b"}],"next_cursor":"n+1"}`)
		case "n+1":
			fmt.Fprint(w, `{"data":[{"name":"c"}],"next_cursor":"last"}`)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"overloaded"}`)
		}
	})
	names := ""
	var last error
	for ledger, err := range c.Ledgers(t.Context(), client.Query{}) {
		names += ledger.Name
		last = err
	}
	if names != "abc" || !client.IsCode(last, "overloaded") {
		t.Errorf("got %q, then %v", names, last)
	}
}

// TestEventsThatBreakOff: an answer that ends in the middle is an error, never a shorter history.
func TestEventsThatBreakOff(t *testing.T) {
	for _, test := range []struct {
		answer string
		cut    bool
		want   int
		fails  bool
	}{
		{"{\"revision\":0}\n{\"revision\":1}\n", false, 2, false},
		{"{\"revision\":0}\n{\"revi", false, 1, true},
		{"{\"revision\":0}\n", true, 1, true},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, test.answer)
			if test.cut {
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
		})
		got, failed := 0, false
		for _, err := range c.Events(t.Context(), "main", 0) {
			if err != nil {
				failed = true
				continue
			}
			got++
		}
		if got != test.want || failed != test.fails {
			t.Errorf("%q: %d events, failed %t", test.answer, got, failed)
		}
	}
}

// TestASilentServer is one that takes the connection and says nothing, and one that answers in time and takes its time to end.
func TestASilentServer(t *testing.T) {
	release := make(chan struct{})
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			fmt.Fprint(w, `{"name":`)
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-release:
			fmt.Fprint(w, `"slow"}`)
		case <-r.Context().Done():
		}
	})
	c.Patience = 50 * time.Millisecond
	if _, err := c.Ledger(t.Context(), "silent", client.Query{}); !errors.Is(err, client.ErrSilent) {
		t.Errorf("silence: %v", err)
	}
	c.Patience = time.Minute
	done := make(chan error)
	go func() {
		l, err := c.Ledger(t.Context(), "slow", client.Query{})
		if err == nil && l.Name != "slow" {
			err = fmt.Errorf("read %+v", l)
		}
		done <- err
	}()
	close(release)
	if err := <-done; err != nil {
		t.Errorf("an answer that begins: %v", err)
	}
}
