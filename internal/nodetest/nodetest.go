// Package nodetest runs the official Node.js client for EventStoreDB in tests, and tells what it makes of a server.
package nodetest

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"
)

// files are the client's program, and what pins the versions of its packages by their hashes.
//
//go:embed all:client
var files embed.FS

// Client is a folder in which the official client is installed.
type Client string

// Install installs the client in a folder of the test's own. The test is skipped where there is no node or no npm.
func Install(tb testing.TB) Client {
	tb.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			tb.Skipf("%v: install Debian's packages nodejs and npm", err)
		}
	}
	folder := tb.TempDir()
	client, err := fs.Sub(files, "client")
	if err == nil {
		err = os.CopyFS(folder, client)
	}
	if err != nil {
		tb.Fatal(err)
	}
	npm := exec.CommandContext(tb.Context(), "npm", "ci")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		tb.Fatalf("npm ci: %v\n%s", err, out)
	}
	return Client(folder)
}

// Finding is a line that the client says. All of one name belong together.
type Finding struct {
	Name       string          `json:"name"`
	Event      *Event          `json:"event"`
	Ended      *string         `json:"ended"` // how a call did: empty for well, the type of its error otherwise
	CaughtUp   bool            `json:"caughtUp"`
	Checkpoint string          `json:"checkpoint"`
	Result     json.RawMessage `json:"result"`
	Actual     string          `json:"actual"` // revision of the stream, where an append expected another
}

// Event is an event as the client shows it: numbers in decimal, data in hexadecimal where they are not JSON.
type Event struct {
	Stream   string          `json:"stream"`
	Revision string          `json:"revision"`
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	JSON     bool            `json:"json"`
	Data     json.RawMessage `json:"data"`
	Metadata json.RawMessage `json:"metadata"`
	Created  time.Time       `json:"created"` // cut to a millisecond
	Commit   string          `json:"commit"`
	Prepare  string          `json:"prepare"`
}

// Heard are the findings of one name.
type Heard struct {
	Events      []Event
	Checkpoints []string
	Ended       string // "not at all" until it has
	Last        Finding
}

// patience bounds what would otherwise wait for ever.
const patience = time.Minute

// Run runs a scenario of the client against the server at a URL. It gives each finding to take as it comes, unless that is
// nil, and in the end all of them by their names.
func (c Client) Run(tb testing.TB, take func(Finding), scenario, url string, args ...string) map[string]*Heard {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", append([]string{"client.mjs", scenario, url}, args...)...) //nolint:gosec // the arguments are the test's
	command.Dir = string(c)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	heard := map[string]*Heard{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var f Finding
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			tb.Errorf("%s: %v", lines.Text(), err)
		}
		gather(heard, f)
		if take != nil {
			take(f)
		}
	}
	if err := command.Wait(); err != nil {
		tb.Fatalf("node client.mjs %s: %v\n%s", scenario, err, &complaints)
	}
	return heard
}

func gather(into map[string]*Heard, f Finding) {
	h := into[f.Name]
	if h == nil {
		h = &Heard{Ended: "not at all"}
		into[f.Name] = h
	}
	switch {
	case f.Event != nil:
		h.Events = append(h.Events, *f.Event)
	case f.Checkpoint != "":
		h.Checkpoints = append(h.Checkpoints, f.Checkpoint)
	case f.Ended != nil:
		h.Ended, h.Last = *f.Ended, f
	}
}

// Refusals are the calls of the scenario "write", each of which a server that is for reading refuses with "access-denied".
func Refusals() []string { return []string{"append", "append many", "metadata", "delete", "tombstone"} }
