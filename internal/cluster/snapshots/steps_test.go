package snapshots_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// replacing is in the message that replaces a manifest.
const replacing = "Nats-Rollup"

// TestDyingBetweenTheSteps has a node end before and after each thing that it sends when it publishes: who loads gets the one
// snapshot or the other, whole, and the next publication leaves nothing behind.
func TestDyingBetweenTheSteps(t *testing.T) {
	for _, step := range []string{"STREAM.INFO", "STREAM.MSG.GET", ".file.", replacing, "STREAM.PURGE"} {
		for _, after := range []bool{false, true} {
			for _, which := range []string{"a run", "a snapshot"} {
				t.Run(fmt.Sprint(step, " after ", after, " of ", which), func(t *testing.T) {
					b := newBroker(t)
					one, two := newNode(t, b.urls), newNode(t, b.urls)
					first := one.snapshot(5000, 300_000, one.run("keys-1.run", 1, 10_000))
					one.publish(5000, first)
					second := one.snapshot(6000, 300_000)
					if which == "a run" {
						second = one.snapshot(6000, 300_000, one.run("keys-2.run", 1, 10_000))
					}
					one.tap.on(step, after, func() {
						one.tap.cut()
						go one.conn.Close() // which waits for who writes now
					})
					one.save(6000, second)
					one.until("it is dead", one.conn.IsClosed)
					one.stop()

					got := two.load()
					if !bytes.Equal(got, first) && !bytes.Equal(got, second) {
						t.Errorf("loaded %.60q", got)
					}
					third := two.snapshot(7000, 1000)
					two.publish(7000, third)
					newNode(t, b.urls).loads(third)
					b.tidy()
				})
			}
		}
	}
}

// TestWhoComesTooLateTakesNothingAway has a node publish while another one does, which then finds that it was overtaken.
func TestWhoComesTooLateTakesNothingAway(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	run := one.run("keys-1.run", 1, 1000)
	one.publish(5000, one.snapshot(5000, 1000, run))
	content := two.snapshot(7000, 1000, two.run("keys-2.run", 1, 1000))
	calls := 0
	one.shelf.runs = func() {
		if calls++; calls == 2 { // it has sent a run
			two.publish(7000, content)
		}
	}
	one.save(6000, one.snapshot(6000, 1000, one.run("keys-3.run", 1, 1000), one.run("keys-4.run", 1, 1000)))
	one.until("it is overtaken", func() bool { return one.count("published", "overtaken") == 1 })
	newNode(t, b.urls).loads(content)
	b.tidy()
	// It is older than what is there now.
	one.save(6500, one.snapshot(6500, 1000))
	newer := one.snapshot(8000, 1000)
	one.publish(8000, newer)
	two.loads(newer)
	b.tidy()
}

// TestSweepingLateTakesNothingAway has a node stop after it has replaced the manifest, while others replace it again, with files that
// it has never heard of and those that it named.
func TestSweepingLateTakesNothingAway(t *testing.T) {
	b := newBroker(t)
	one, two := newNode(t, b.urls), newNode(t, b.urls)
	old := one.run("keys-1.run", 1, 1000)
	first := one.snapshot(5000, 1000, old)
	one.publish(5000, first)
	two.loads(first)
	paused, goOn := make(chan struct{}), make(chan struct{})
	one.tap.on(replacing, true, func() { close(paused); <-goOn })
	one.save(6000, one.snapshot(6000, 1000, old))
	<-paused
	content := two.snapshot(7000, 300_000, old, two.run("keys-2.run", 1, 1000))
	two.publish(7000, content)
	close(goOn)
	one.until("it has swept", func() bool { return one.count("published", "done") == 2 })
	newNode(t, b.urls).loads(content)
	b.tidy()
}

// TestFetchingWhatIsReplaced has a snapshot replaced while it is fetched: the new one is fetched.
func TestFetchingWhatIsReplaced(t *testing.T) {
	for name, at := range map[string]string{"before it is begun": "CONSUMER.CREATE", "in the middle": "CONSUMER.MSG.NEXT"} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t)
			short := func(o *snapshots.Options) { o.Patience = 200 * time.Millisecond } // which is waited out
			one, two := newNode(t, b.urls), newNode(t, b.urls, short)
			one.publish(20_000, one.snapshot(20_000, 3_000_000))
			newer := one.snapshot(21_000, 3_000_000)
			two.tap.on(at, false, func() { one.publish(21_000, newer) })
			two.loads(newer)
			if got := two.count("fetched", "failed"); got != 1 {
				t.Errorf("%d failed", got)
			}
		})
	}
}

// TestManyAtOnce has nodes save, load, end and begin again, all at once. What is loaded is always what somebody saved, whole. In the
// end the stream has what the last one left, and nothing else.
func TestManyAtOnce(t *testing.T) {
	b := newBroker(t)
	const nodes, rounds = 4, 60
	var mu sync.Mutex
	saved := map[string]bool{}
	note := func(content []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		saved[string(content)] = true
		return content
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var revision counter
	var all sync.WaitGroup
	for i := range nodes {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			n := newNode(t, b.urls)
			for round := range rounds {
				next := revision.add(eventstore.Revision(1000 + random.IntN(1000)))
				if random.IntN(4) == 0 {
					next -= 5000 // of one that was paused
				}
				run := n.run(fmt.Sprintf("keys-%d-%d.run", i, round), 1, 1+random.IntN(10_000))
				n.save(next, note(n.snapshot(next, random.IntN(300_000), append(held(n), run)...)))
				time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond) // so that it comes at any step of the others
				if content := n.load(); content != nil {
					mu.Lock()
					if !saved[string(content)] {
						t.Errorf("node %d loaded %.80q", i, content)
					}
					mu.Unlock()
				}
				if random.IntN(6) == 0 {
					if random.IntN(2) == 0 {
						n.tap.cut() // it connects again
					} else {
						n.stop()
						n.conn.Close()
						n = newNode(t, b.urls)
					}
				}
			}
			n.stop()
		})
	}
	all.Wait()
	last := newNode(t, b.urls)
	// When it has stored the first of these, the server has stored all that was on its way from those who ended.
	last.publish(1_000_000, last.snapshot(1_000_000, 1000))
	content := last.snapshot(2_000_000, 1000)
	last.publish(2_000_000, content)
	newNode(t, b.urls).loads(content)
	b.tidy()
}

// held are the runs that the snapshot needs which is here.
func held(n *node) []runs.ID {
	file, _, needs, err := n.shelf.Open(stream)
	if err != nil {
		return nil
	}
	_ = file.Close()
	return needs[max(0, len(needs)-3):]
}

type counter struct {
	mu sync.Mutex
	n  eventstore.Revision
}

func (c *counter) add(n eventstore.Revision) eventstore.Revision {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	return c.n + 10_000
}

// TestTheAnswerIsLost has the manifest replaced without the node hearing of it: nothing is taken away that may be named.
func TestTheAnswerIsLost(t *testing.T) {
	b := newBroker(t)
	one := newNode(t, b.urls, func(o *snapshots.Options) { o.Patience = 500 * time.Millisecond }) // which is waited out
	one.publish(5000, one.snapshot(5000, 1000))
	one.tap.mu.Lock()
	one.tap.before = func(sent []byte) {
		if at := bytes.Index(sent, []byte(".manifest _INBOX.")); at >= 0 && bytes.Contains(sent, []byte(replacing)) {
			copy(sent[at:], ".manifest _NOBOX.") // where nobody waits
		}
	}
	one.tap.mu.Unlock()
	content := one.snapshot(6000, 1000)
	one.save(6000, content)
	one.until("it does not know", func() bool { return one.count("published", "failed") == 1 })
	newNode(t, b.urls).loads(content)
	one.tap.mu.Lock()
	one.tap.before = nil
	one.tap.mu.Unlock()
	content = one.snapshot(7000, 1000)
	one.publish(7000, content)
	newNode(t, b.urls).loads(content)
	b.tidy()
}
