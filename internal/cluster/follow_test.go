package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/cluster"
)

// following is a node that gives ledgers to where their commands come in.
func following(name string) cluster.Options {
	o := named(name, long)
	o.Follow = 10 * time.Millisecond
	return o
}

// asked has commands come in.
func (n *node) asked(ledger, at string, times int) {
	for range times {
		n.Asked(ledger, at)
	}
}

func TestALedgerGoesWhereItsCommandsComeIn(t *testing.T) {
	_, servers := oneServer(t)
	taken := make(chan string, 1)
	o := following("a")
	o.Taken = func(ledger string) { taken <- ledger }
	a, b, c := join(t, servers, o), join(t, servers, following("b")), join(t, servers, following("c"))
	a.becomes(t, "all are there", func() bool { return len(a.Picture().Nodes) == 3 })
	a.locate(t, "books")
	a.asked("books", "a", 1) // the one that it was taken for
	a.asked("books", "c", 1)
	a.asked("books", "b", 18)
	for _, n := range []*node{a, b, c} {
		n.owns(t, "books", "b")
	}
	select {
	case ledger := <-taken:
		if ledger != "books" {
			t.Errorf("a was told to let go of %s", ledger)
		}
	case <-time.After(patience):
		t.Error("a was not told to let go")
	}
	b.asked("books", "a", 1_000)
	a.owns(t, "books", "a")
}

func TestALedgerStaysWhereItIs(t *testing.T) {
	_, servers := oneServer(t)
	reader := following("reader")
	reader.Node.Roles = []string{cluster.RoleQueries}
	join(t, servers, reader)
	a, b := join(t, servers, following("a")), join(t, servers, following("b"))
	a.becomes(t, "all are there", func() bool { return len(a.Picture().Nodes) == 3 })
	for _, ledger := range []string{"few", "mixed", "own", "passed-on", "of-the-gone", "other"} {
		a.locate(t, ledger)
	}
	a.asked("few", "b", 19)
	for range 20 { // all at once, so that no part of them is looked at alone
		a.Asked("mixed", "a")
		a.Asked("mixed", "b")
	}
	a.asked("own", "a", 100)
	a.asked("passed-on", "reader", 100) // which does not decide
	a.asked("of-the-gone", "gone", 100)
	a.asked("other", "b", 100)
	a.owns(t, "other", "b")
	a.asked("last", "b", 100) // which is not its own
	a.locate(t, "witness")
	a.asked("witness", "b", 100)
	a.owns(t, "witness", "b") // a has looked at all by then
	for _, ledger := range []string{"few", "mixed", "own", "passed-on", "of-the-gone"} {
		if owner := b.locate(t, ledger); owner.Node != "a" {
			t.Errorf("%s went to %s", ledger, owner.Node)
		}
	}
	a.asked("few", "b", 1)
	a.owns(t, "few", "b")
}

func TestWhoIsNotToFollowKeepsItsLedgers(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, following("b"))
	a.becomes(t, "both are there", func() bool { return len(a.Picture().Nodes) == 2 })
	a.locate(t, "books")
	b.locate(t, "witness")
	a.asked("books", "b", 100)
	b.asked("witness", "a", 100)
	a.owns(t, "witness", "a")
	if owner := b.locate(t, "books"); owner.Node != "a" {
		t.Errorf("it went to %+v", owner)
	}
}

func TestManyLedgersAreGivenLittleByLittle(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, following("a")), join(t, servers, following("b"))
	a.becomes(t, "both are there", func() bool { return len(a.Picture().Nodes) == 2 })
	const ledgers = 200
	for i := range ledgers {
		a.locate(t, fmt.Sprint("books-", i))
	}
	b.becomes(t, "they all are b's", func() bool {
		for i := range ledgers {
			a.asked(fmt.Sprint("books-", i), "b", 20)
		}
		picture := b.Picture()
		return len(picture.Nodes) == 2 && picture.Nodes[1].Ledgers == ledgers
	})
}
