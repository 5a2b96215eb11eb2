package commands_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestABulkIsItsCommandsOneByOne sends the same random commands to three ledgers: each in a request of its own, all in a
// bulk, and all as a stream. The logs have to tell the same, and so do the answers.
func TestABulkIsItsCommandsOneByOne(t *testing.T) {
	for range 5 {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		single, bulk, stream := opened(t), opened(t), opened(t)
		var kinds, bodies, statuses []string
		for range 60 {
			kind, path, body := randomCommand(random)
			kinds, bodies = append(kinds, kind), append(bodies, body)
			statuses = append(statuses, fmt.Sprint(single.post("/v1/ledgers/books"+path, withoutID(body)).Status))
		}
		var items []string
		for i, body := range bodies {
			items = append(items, fmt.Sprintf(`{"type":%q,"data":%s}`, kinds[i], body))
		}
		answer := bulk.post(toBulk, `{"atomic":false,"commands":[`+strings.Join(items, ",")+`]}`).want(200)
		for i, status := range statuses {
			if got := answer.at(fmt.Sprintf("results.%d.status", i)); got != status {
				t.Errorf("command %d, %s: status %s in the bulk, %s by itself", i, items[i], got, status)
			}
		}
		stream.postLines(toBulk, strings.NewReader(strings.Join(items, "\n"))).want(200)
		want := single.log()
		if diff := cmp.Diff(want, bulk.log()); diff != "" {
			t.Errorf("the bulk led to other events (-single +bulk):\n%s", diff)
		}
		if diff := cmp.Diff(want, stream.log()); diff != "" {
			t.Errorf("the stream led to other events (-single +stream):\n%s", diff)
		}
	}
}

// randomCommand gives a command as a bulk names it, and the path that takes it by itself. Many are refused.
func randomCommand(random *rand.Rand) (kind, path, body string) {
	users := []string{"users:alice", "users:bob", "users:carol", "world"}
	move := fmt.Sprintf(`"transfers":[{"from":%q,"to":%q,"asset":"USD/2","amount":"%d"}]`,
		users[random.IntN(4)], users[random.IntN(3)], 1+random.IntN(300))
	id := 1 + random.IntN(8)
	switch random.IntN(6) {
	case 0:
		return "place_hold", "/holds", "{" + move + "}"
	case 1:
		return "capture_hold", fmt.Sprintf("/holds/%d/capture", id), fmt.Sprintf(`{"id":%d,"amount":"%d","final":%t}`, id, 1+random.IntN(200), random.IntN(2) == 0)
	case 2:
		return "void_hold", fmt.Sprintf("/holds/%d/void", id), fmt.Sprintf(`{"id":%d}`, id)
	case 3:
		return "revert_transaction", fmt.Sprintf("/transactions/%d/revert", id), fmt.Sprintf(`{"id":%d,"reason":"r"}`, id)
	default:
		return "post_transaction", "/transactions", fmt.Sprintf(`{%s,"reference":"r%d"}`, move, random.IntN(40))
	}
}

// withoutID takes off the member that a path has in its place.
func withoutID(body string) string {
	if !strings.HasPrefix(body, `{"id":`) {
		return body
	}
	_, rest, found := strings.Cut(body, ",")
	if !found {
		return "{}"
	}
	return "{" + rest
}
