package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTour pastes the tour of the README into a shell, beside a server, and looks for what the README says it shows.
func TestTour(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```sh\n")
	tour, _, found := strings.Cut(rest, "```")
	if lines := strings.Count(tour, "\n"); !found || lines != 10 {
		t.Fatalf("the tour has %d lines, want ten", lines)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, filepath.Join(t.TempDir(), "data"))
	script := strings.NewReplacer("127.0.0.1:8080", server.Address, "go run ./cmd/daybook", self).Replace(tour)

	shell := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", script)
	shell.Env = append(os.Environ(), "DAYBOOK_SERVER="+server.BaseURL)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour fails with %v (it needs bash and curl):\n%s", err, out)
	}
	steps := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, want := range []string{
		`{"ledger":{"name":"demo"`,
		`{"transaction":{"id":1,`,
		`{"transaction":{"id":1,`, // the same again
		`{"transaction":{"id":2,`,
		`"code":"insufficient_funds"`,
		`"balance":"8750","available":"8750"`,
		`"balance_after":"8750"`,
		`"specversion":"1.0"`,
	} {
		if i >= len(steps) || !strings.Contains(steps[i], want) {
			t.Fatalf("line %d of the output does not show %s:\n%s", i+1, want, out)
		}
	}
	if !strings.Contains(steps[len(steps)-1], "total") {
		t.Fatalf("the tour does not end with the total of the books:\n%s", out)
	}
}
