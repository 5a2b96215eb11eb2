package snapshots_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
	"github.com/daybook-ledger/daybook/internal/runs"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// TestWhatOneNodeSavesAnotherLoads has two nodes save and load in turn. What both have is not sent again, and what nobody needs is
// taken away.
func TestWhatOneNodeSavesAnotherLoads(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	one.loads(nil)
	first := one.run("keys-1.run", 1, 40_000)
	content := one.snapshot(10_000, 300_000, first, one.run("names-1.run", 1, 1000))
	one.publish(10_000, content)
	two.loads(content)
	if got := two.count("fetched", "done"); got != 1 {
		t.Errorf("fetched %d times", got)
	}
	for _, id := range []runs.ID{first, labelOf(t, two)[1]} {
		if !two.Runs(stream).Has(id) {
			t.Errorf("there is no %v", id)
		}
	}
	two.loads(content) // from its own place
	if got := two.count("fetched", "done"); got != 1 {
		t.Errorf("fetched %d times", got)
	}
	sent := one.metric("daybook_snapshots_bytes_total", "sent")
	if received := two.metric("daybook_snapshots_bytes_total", "received"); received != sent || sent < 940_000 {
		t.Errorf("sent %.0f, received %.0f", sent, received)
	}
	b.tidy()

	// The other one goes on, with one of the runs.
	content = two.snapshot(20_000, 50_000, first, two.run("keys-2.run", 101, 100))
	two.publish(20_000, content)
	if sent := two.metric("daybook_snapshots_bytes_total", "sent"); sent > 100_000 {
		t.Errorf("%.0f bytes were sent, with what was there", sent)
	}
	b.tidy()
	one.loads(content)
	if received := one.metric("daybook_snapshots_bytes_total", "received"); received > 100_000 {
		t.Errorf("%.0f bytes were received, with what was here", received)
	}
	// Runs that were lost are sent again.
	if err := b.stream().Purge(t.Context(), jetstream.WithPurgeSubject(fileSubject(b.manifest()["runs"].([]any)[0]))); err != nil {
		t.Fatal(err)
	}
	content = one.snapshot(30_000, 50_000, first)
	one.publish(30_000, content)
	newNode(t, b.urls).loads(content)
	b.tidy()
}

func labelOf(t *testing.T, n *node) []runs.ID {
	t.Helper()
	file, _, needs, err := n.shelf.Open(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return needs
}

// TestARunOfTheSameNameIsAnotherRun has a node fetch a run whose name one of its own has.
func TestARunOfTheSameNameIsAnotherRun(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	own := two.run("keys.run", 7, 10)
	two.save(7, two.snapshot(7, 100, own))
	theirs := one.run("keys.run", 7, 11)
	content := one.snapshot(100, 100, theirs)
	one.publish(100, content)
	two.loads(content)
	if !two.Runs(stream).Has(theirs) || two.Runs(stream).Has(own) {
		t.Errorf("the run is there: %t, and the one of before: %t", two.Runs(stream).Has(theirs), two.Runs(stream).Has(own))
	}
	// And one that publishes sends its own.
	three := newNode(t, b.urls)
	last := three.snapshot(200, 100, three.run("keys.run", 7, 12))
	three.publish(200, last)
	two.loads(last)
	b.tidy()
}

// TestOnlyWhatIsWorthItIsCopied has snapshots that are little ahead stay where they are.
func TestOnlyWhatIsWorthItIsCopied(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	one.save(worth-2, one.snapshot(worth-2, 100))
	content := one.snapshot(worth-1, 100)
	one.publish(worth-1, content)
	if got := one.count("published", "done"); got != 1 {
		t.Errorf("published %d times", got)
	}
	here := two.snapshot(1, 100)
	two.save(1, here)
	two.loads(here)

	large := one.snapshot(100, 1<<20) // for a hundred events, which are read sooner
	one.publish(100, large)
	two.loads(here)
	if got := two.count("fetched", "done"); got != 0 {
		t.Errorf("fetched %d times", got)
	}
	// What is here and far ahead is copied when it is loaded.
	newer := two.snapshot(1000, 100)
	if err := os.WriteFile(filepath.Join(two.shelf.dir, stream), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	two.loads(newer)
	two.until("it is published", func() bool { return two.count("published", "done") == 1 })
	one.loads(newer)
	b.tidy()
}

// TestSnapshotsOfOthers has nodes of another log, and of another version of the program, use the same NATS.
func TestSnapshotsOfOthers(t *testing.T) {
	for name, change := range map[string]func(*snapshots.Options){
		"log":  func(o *snapshots.Options) { o.Log = "another log" },
		"kind": func(o *snapshots.Options) { o.Kind = "2" },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t)
			one, two, three := newNode(t, b.urls), newNode(t, b.urls, change), newNode(t, b.urls, change)
			one.publish(1000, one.snapshot(1000, 1000, one.run("keys.run", 1, 10)))
			two.loads(nil)
			content := two.snapshot(50, 1000) // however old it is
			two.publish(50, content)
			three.loads(content)
			b.tidy()
		})
	}
}

// TestDamage has what a manifest names lost, cut, changed or lied about: nobody gets anything but what he has.
func TestDamage(t *testing.T) {
	file := func(m map[string]any) map[string]any { return m["snapshot"].(map[string]any) }
	run := func(m map[string]any) map[string]any { return m["runs"].([]any)[0].(map[string]any) }
	for name, damage := range map[string]func(b *broker, m map[string]any){
		"all lost": func(b *broker, _ map[string]any) {
			check(b.t, b.stream().Purge(b.t.Context(), jetstream.WithPurgeSubject("daybook.snapshots."+stream+".file.*")))
		},
		"the snapshot is lost": func(b *broker, m map[string]any) {
			check(b.t, b.stream().Purge(b.t.Context(), jetstream.WithPurgeSubject(fileSubject(file(m)))))
		},
		"a part is lost": func(b *broker, m map[string]any) {
			check(b.t, b.stream().Purge(b.t.Context(), jetstream.WithPurgeSubject(fileSubject(file(m))), jetstream.WithPurgeKeep(2)))
		},
		"a part is there twice": func(b *broker, m map[string]any) { b.put(fileSubject(file(m)), []byte("more")) },
		"a part is another one": func(b *broker, m map[string]any) {
			last, err := b.stream().GetLastMsgForSubject(b.t.Context(), fileSubject(file(m)))
			check(b.t, err)
			check(b.t, b.stream().DeleteMsg(b.t.Context(), last.Sequence))
			last.Data[7] ^= 1
			b.put(fileSubject(file(m)), last.Data)
		},
		"a part of a run is another one": func(b *broker, m map[string]any) {
			last, err := b.stream().GetLastMsgForSubject(b.t.Context(), fileSubject(run(m)))
			check(b.t, err)
			check(b.t, b.stream().DeleteMsg(b.t.Context(), last.Sequence))
			last.Data[7] ^= 1
			b.put(fileSubject(run(m)), last.Data)
		},
		"it is longer than said": func(b *broker, m map[string]any) { file(m)["bytes"] = 1000; b.setManifest(m) },
		"another checksum":       func(b *broker, m map[string]any) { file(m)["sha256"] = "AAAA"; b.setManifest(m) },
		"no parts":               func(b *broker, m map[string]any) { file(m)["parts"] = 0; b.setManifest(m) },
		"a file of others":       func(b *broker, m map[string]any) { file(m)["id"] = "*"; b.setManifest(m) },
		"a run of another sum":   func(b *broker, m map[string]any) { run(m)["sum"] = 1; b.setManifest(m) },
		"a run elsewhere":        func(b *broker, m map[string]any) { run(m)["name"] = "../outside.run"; b.setManifest(m) },
		"no manifest":            func(b *broker, _ map[string]any) { b.setManifest("nonsense") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t)
			one, two := newNode(t, b.urls), newNode(t, b.urls)
			one.publish(5000, one.snapshot(5000, 600_000, one.run("keys.run", 1, 20_000)))
			own := two.snapshot(3, 100)
			two.save(3, own)
			damage(b, b.manifest())
			two.loads(own)
			if got := slices.DeleteFunc(two.files(), func(f string) bool { return f == stream || f == stream+".runs/keys.run" || f == stream+".tmp" }); len(got) > 0 {
				t.Errorf("there is %s", got)
			}
			two.loads(own)
			want := 1 // and it was not tried again
			if name == "no parts" || name == "a file of others" || name == "no manifest" {
				want = 0
			}
			if got := two.count("fetched", "failed"); got != want || two.count("fetched", "done") != 0 {
				t.Errorf("%d failed, want %d", got, want)
			}
			// The next one is as good as ever.
			content := one.snapshot(6000, 100, labelOf(t, one)...)
			one.publish(6000, content)
			if strings.HasPrefix(name, "a part of a run") {
				return // that run is what was damaged, until it is merged
			}
			two.loads(content)
		})
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsOfNoUseIsReplaced drops a snapshot that was fetched, as an engine does which finds that the log is another one: it is not
// fetched again, and an older one takes its place.
func TestWhatIsOfNoUseIsReplaced(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	content := one.snapshot(1000, 100)
	one.publish(1000, content)
	two.loads(content)
	check(t, two.Remove(t.Context(), stream))
	two.loads(nil)
	older := two.snapshot(500, 100)
	two.publish(500, older)
	newNode(t, b.urls).loads(older)
	// What it shared itself is of no use, either, when it says so.
	check(t, two.Remove(t.Context(), stream))
	two.loads(nil)
	// But what was not known of NATS when it was dropped may be better.
	three := newNode(t, b.urls)
	three.save(1, three.snapshot(1, 100))
	check(t, three.Remove(t.Context(), stream))
	three.loads(older)
	b.tidy()
}

// TestWithoutNATS takes NATS away: what is here is loaded at once, and what is saved meanwhile is shared when it is back.
func TestWithoutNATS(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	content := one.snapshot(100, 1000)
	one.publish(100, content)
	b.Stop()
	until(t, "the connection is lost", func() bool { return !one.conn.IsConnected() && !two.conn.IsConnected() })
	two.loads(nil)
	newer := one.snapshot(200, 1000)
	one.save(200, newer)
	one.loads(newer)
	one.until("it could not be published", func() bool { return one.count("published", "failed") > 1 })
	if told := strings.Count(one.said.String(), "level=WARN"); told != 1 {
		t.Errorf("it was told %d times", told)
	}
	b.Start()
	one.until("it is published", func() bool { return one.count("published", "done") == 2 })
	if !strings.Contains(one.said.String(), "shared with other nodes again") {
		t.Error("nobody was told that it works again")
	}
	two.until("it is connected", two.conn.IsConnected)
	two.loads(newer)
	// A server that has lost everything.
	b.Stop()
	b.Forget()
	b.Start()
	newest := two.snapshot(300, 1000)
	two.until("it is connected", two.conn.IsConnected)
	two.publish(300, newest)
	one.until("it is connected", one.conn.IsConnected)
	one.loads(newest)
	b.tidy()
}

// TestAStreamThatIsSilent has NATS take requests and answer none: nobody waits for long, and nobody asks again at once.
func TestAStreamThatIsSilent(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	one.publish(100, one.snapshot(100, 1000))
	requests := 0
	two.tap.before = func(sent []byte) {
		for _, name := range []string{"STREAM.INFO", "STREAM.MSG.GET"} {
			if at := strings.Index(string(sent), name); at >= 0 {
				copy(sent[at:], "NOBODY.")
				requests++
			}
		}
	}
	two.loads(nil)
	two.loads(nil)
	two.stop()
	two.conn.Close()
	if requests != 1 {
		t.Errorf("NATS was asked %d times", requests)
	}
}

// TestNoRoom has a stream that is too small: nothing of it is left, and what fits is shared.
func TestNoRoom(t *testing.T) {
	b := newBroker(t)
	one := newNode(t, b.urls, func(o *snapshots.Options) { o.MaxBytes = 1 << 20 })
	one.save(100, one.snapshot(100, 700_000, one.run("keys.run", 1, 30_000))) // each would fit
	one.until("it does not fit", func() bool { return one.count("published", "failed") == 1 })
	one.until("nothing is left", func() bool { return len(b.subjects()) == 0 })
	content := one.snapshot(200, 700_000)
	one.publish(200, content)
	newNode(t, b.urls).loads(nil) // is larger than reading two hundred events is worth
	one.save(300, one.snapshot(300, 700_000))
	one.until("it does not fit beside the one of before", func() bool { return one.count("published", "failed") == 2 })
	b.tidy()
	small := one.snapshot(400, 70_000)
	one.publish(400, small)
	newNode(t, b.urls).loads(small)
	b.tidy()
}

// TestAStreamOfOthers refuses a stream in which snapshots could not be replaced.
func TestAStreamOfOthers(t *testing.T) {
	b := newBroker(t)
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: snapshots.Stream, Subjects: []string{"daybook.snapshots.>"}})
	check(t, err)
	one := newNode(t, b.urls)
	content := one.snapshot(100, 1000)
	one.save(100, content)
	one.until("it is refused", func() bool { return one.count("published", "failed") == 1 })
	one.loads(content)
	if !strings.Contains(one.said.String(), "was not made for snapshots") {
		t.Error("nobody was told")
	}
	if left := b.subjects(); len(left) > 0 {
		t.Errorf("there is %v", slices.Collect(maps.Keys(left)))
	}
}

// TestNewRefusesWhatIsMissing leaves out each option that there has to be.
func TestNewRefusesWhatIsMissing(t *testing.T) {
	b := newBroker(t)
	n := newNode(t, b.urls)
	whole := snapshots.Options{Conn: n.conn, Local: n.shelf, Log: "l", Kind: "k"}
	for name, change := range map[string]func(*snapshots.Options){
		"Conn": func(o *snapshots.Options) { o.Conn = nil }, "Local": func(o *snapshots.Options) { o.Local = nil },
		"Log": func(o *snapshots.Options) { o.Log = "" }, "Kind": func(o *snapshots.Options) { o.Kind = "" },
	} {
		o := whole
		change(&o)
		if _, err := snapshots.New(o); err == nil {
			t.Errorf("without %s", name)
		}
	}
}

// TestWhatAUserOfNATSNeeds shares snapshots as a user who may do what docs/operations.md says and nothing else.
func TestWhatAUserOfNATSNeeds(t *testing.T) {
	s := natstest.New(t, func(o *server.Options) {
		const of = ".DAYBOOK_SNAPSHOTS"
		o.Users = []*server.User{{Username: "node", Password: "secret", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: []string{
				"daybook.snapshots.>", "$JS.API.STREAM.INFO" + of, "$JS.API.STREAM.MSG.GET" + of, "$JS.API.STREAM.PURGE" + of,
				"$JS.API.CONSUMER.*" + of + ".>", "$JS.API.CONSUMER.MSG.NEXT" + of + ".>", "$JS.API.STREAM.CREATE" + of,
			}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		}}}
	})
	urls := strings.Replace(natstest.URLs(s), "nats://", "nats://node:secret@", 1)
	one, two := newNode(t, urls), newNode(t, urls)
	for revision := eventstore.Revision(1000); revision <= 3000; revision += 1000 {
		content := one.snapshot(revision, 1000, one.run(fmt.Sprint("keys-", revision, ".run"), 1, 10))
		one.publish(revision, content)
		two.loads(content)
	}
	for _, n := range []*node{one, two} {
		if err := n.conn.LastError(); err != nil || strings.Contains(n.said.String(), "level=WARN") {
			t.Errorf("the server said %v, and the node\n%s", err, n.said)
		}
	}
}
