package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// send posts JSON to a path of a running server, and gives the status and the answer.
func (s *served) send(t *testing.T, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.BaseURL+"/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(text)
}

// TestHoldsEndByThemselves waits for the event after the last one that it caused: nobody but the timer makes it.
func TestHoldsEndByThemselves(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	server := serve(t, data)
	accepted := openAndPost(t, server)
	place := func(expiresIn time.Duration) {
		t.Helper()
		status, answer := server.send(t, "/ledgers/demo/holds", fmt.Sprintf(
			`{"transfers":[{"from":"users:alice","to":"world","asset":"USD/2","amount":"50"}],"expires_in":%q}`, expiresIn))
		if status != http.StatusCreated {
			t.Fatal(answer)
		}
	}
	ended := func(id int, revision uint64) {
		t.Helper()
		var answer struct{ Hold wire.Hold }
		err := server.Get(t.Context(), fmt.Sprintf("/ledgers/demo/holds/%d", id), client.Query{MinRevision: &revision, Wait: time.Minute}, &answer)
		h := answer.Hold
		if err != nil || h.Status != wire.HoldExpired || len(h.Remaining) > 0 {
			t.Fatalf("hold %d: %+v, %v", id, h, err)
		}
	}
	place(100 * time.Millisecond)
	ended(1, accepted.Revision+2)

	place(500 * time.Millisecond)
	server.Kill()
	server = serve(t, data)
	ended(2, accepted.Revision+4)
	if status, answer := server.send(t, "/ledgers/demo/holds/2/capture", `{}`); status != http.StatusConflict {
		t.Errorf("got %d: %s", status, answer)
	}
	if status, answer := server.send(t, "/ledgers/demo/assertions", `{"account":"users:*","asset":"USD/2","equals":"1050"}`); status != http.StatusCreated ||
		!strings.Contains(answer, `"status":"holds"`) {
		t.Errorf("got %d: %s", status, answer)
	}
}
