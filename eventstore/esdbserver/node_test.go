package esdbserver_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

// finding is a line that the client in testdata/node says.
type finding struct {
	Name       string          `json:"name"`
	Event      *nodeEvent      `json:"event"`
	Ended      *string         `json:"ended"`
	CaughtUp   bool            `json:"caughtUp"`
	Checkpoint string          `json:"checkpoint"`
	Result     json.RawMessage `json:"result"`
	Actual     string          `json:"actual"`
}

// nodeEvent is an event as the official Node.js client shows it.
type nodeEvent struct {
	Stream   string          `json:"stream"`
	Revision string          `json:"revision"`
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	JSON     bool            `json:"json"`
	Data     json.RawMessage `json:"data"`
	Metadata json.RawMessage `json:"metadata"`
	Created  time.Time       `json:"created"`
	Commit   string          `json:"commit"`
	Prepare  string          `json:"prepare"`
}

// nodeClient is the folder in which the official Node.js client is installed.
type nodeClient string

// installNode installs the client where the test may leave it, at the versions that the lock file pins by their hashes.
func installNode(t *testing.T) nodeClient {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v: install Debian's packages nodejs and npm", err)
		}
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", "node"))); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return nodeClient(folder)
}

// TestNode holds the endpoint to what the official Node.js client makes of it.
func TestNode(t *testing.T) {
	client := installNode(t)
	t.Run("reads", client.testReads)
	t.Run("follows", client.testFollows)
	t.Run("writes nothing", client.testWritesNothing)
	t.Run("appends where it may", client.testAppendsWhereItMay)
}

// run runs the client, and gives each finding to take as it comes.
func (c nodeClient) run(t *testing.T, take func(finding), args ...string) {
	t.Helper()
	command := exec.CommandContext(patient(t), "node", append([]string{"client.mjs"}, args...)...)
	command.Dir = string(c)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var f finding
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		take(f)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("node client.mjs %v: %v\n%s", args, err, &complaints)
	}
}

// heardByNode are the findings of one name: its events, and how it ended.
type heardByNode struct {
	events      []nodeEvent
	checkpoints []string
	ended       string
	last        finding
}

func gather(into map[string]*heardByNode, f finding) {
	h := into[f.Name]
	if h == nil {
		h = &heardByNode{ended: "not at all"}
		into[f.Name] = h
	}
	switch {
	case f.Event != nil:
		h.events = append(h.events, *f.Event)
	case f.Checkpoint != "":
		h.checkpoints = append(h.checkpoints, f.Checkpoint)
	case f.Ended != nil:
		h.ended, h.last = *f.Ended, f
	}
}

// compareToNode wants the client to have seen just these records.
func compareToNode(t *testing.T, name string, h *heardByNode, want []eventstore.Recorded) {
	t.Helper()
	if h == nil || h.ended != "" || len(h.events) != len(want) {
		t.Fatalf("%s: %+v, want %d events", name, h, len(want))
	}
	for i, e := range h.events {
		r := want[i]
		if e.Stream != r.Stream || e.Revision != strconv.FormatUint(uint64(r.Revision), 10) || e.ID != r.ID.String() ||
			e.Type != r.Type || !e.JSON || !bytes.Equal(e.Data, r.Data) || !bytes.Equal(e.Metadata, r.Metadata) ||
			!e.Created.Equal(made) || e.Commit == "" || e.Commit != e.Prepare {
			t.Fatalf("%s: event %d is %+v, want %+v", name, i, e, r)
		}
	}
}

func (c nodeClient) testReads(t *testing.T) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	log := all(t, store)
	stream := of(log, "ledger-a")
	backwards := func(rs []eventstore.Recorded) []eventstore.Recorded {
		rs = slices.Clone(rs)
		slices.Reverse(rs)
		return rs
	}
	for _, url := range []string{"esdb://" + address + "?tls=false", "esdb+discover://" + address + "?tls=false"} {
		heard := map[string]*heardByNode{}
		c.run(t, func(f finding) { gather(heard, f) }, "read", url)
		for name, want := range map[string][]eventstore.Recorded{
			"stream": stream, "stream backwards": backwards(stream)[:3], "stream from 2": stream[2:4],
			"all": log, "all backwards": backwards(log)[:3], "all from the third": log[2:4], "all back from the third": backwards(log[:2]),
		} {
			compareToNode(t, name, heard[name], want)
		}
		if got := heard["no stream"].ended; got != "stream-not-found" {
			t.Errorf("a stream that does not exist: %q", got)
		}
		if got := heard["metadata"]; got.ended != "" || string(got.last.Result) != `{"streamName":"ledger-a"}` {
			t.Errorf("metadata: %q %s, want none", got.ended, got.last.Result)
		}
	}
}

func (c nodeClient) testFollows(t *testing.T) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	log := all(t, store)
	some := func(log []eventstore.Recorded, matches func(eventstore.Recorded) bool) []eventstore.Recorded {
		return slices.DeleteFunc(slices.Clone(log), func(r eventstore.Recorded) bool { return !matches(r) })
	}
	everything := func(eventstore.Recorded) bool { return true }
	inStream := func(r eventstore.Recorded) bool { return r.Stream == "ledger-a" }
	ofType := func(r eventstore.Recorded) bool { return r.Type == "Type1" }
	subscriptions := map[string]func(eventstore.Recorded) bool{
		"stream": inStream, "all": everything, "no system events": everything, "types": ofType, "streams": inStream,
	}
	heard := map[string]*heardByNode{}
	waiting := len(subscriptions) + 1
	c.run(t, func(f finding) {
		gather(heard, f)
		if f.CaughtUp {
			if waiting--; waiting == 0 {
				added := record("ledger-a", 1000)
				added.Type = "Type1"
				add(t, store, "ledger-a", added)
			}
		}
	}, "follow", "esdb://"+address+"?tls=false",
		strconv.Itoa(len(some(log, inStream))), strconv.Itoa(len(log)), strconv.Itoa(len(some(log, ofType))), strconv.Itoa(len(some(log, inStream))))
	after := all(t, store)
	for name, matches := range subscriptions {
		compareToNode(t, name, heard[name], some(after, matches))
	}
	compareToNode(t, "all live", heard["all live"], after[len(log):])
	// After every eighth record that was looked at, and when it had caught up.
	if got, want := len(heard["streams"].checkpoints), len(log)/8+1; got != want {
		t.Errorf("%d checkpoints, want %d", got, want)
	}
}

func (c nodeClient) testWritesNothing(t *testing.T) {
	store := filled(t)
	before := len(all(t, store))
	heard := map[string]*heardByNode{}
	c.run(t, func(f finding) { gather(heard, f) }, "write", "esdb://"+serve(t, store, esdbserver.Options{})+"?tls=false")
	for _, name := range []string{"append", "append many", "metadata", "delete", "tombstone"} {
		if got := heard[name]; got == nil || got.ended != "access-denied" {
			t.Errorf("%s: %+v, want that access is denied", name, got)
		}
	}
	if after := len(all(t, store)); after != before {
		t.Errorf("%d records were written", after-before)
	}
}

func (c nodeClient) testAppendsWhereItMay(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	heard := map[string]*heardByNode{}
	c.run(t, func(f finding) { gather(heard, f) }, "append", "esdb://"+serve(t, store, esdbserver.Options{Writable: true})+"?tls=false")
	for name, want := range map[string]string{
		"first": "", "again": "", "conflict": "wrong-expected-version", "too large": "maximum-append-size-exceeded", "read": "",
	} {
		if got := heard[name]; got == nil || got.ended != want {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
	if got := heard["conflict"].last.Actual; got != "1" {
		t.Errorf("the stream is said to be at %q, want 1", got)
	}
	read := heard["read"].events
	if len(read) != 2 || read[0].ID != "0198f6a0-0000-7000-8000-000000000001" || string(read[0].Metadata) != `{"by":"me"}` ||
		!read[0].JSON || read[1].JSON || string(read[1].Data) != `"ff00"` {
		t.Errorf("%+v", read)
	}
}
