package commands

import (
	"testing"
	"testing/synctest"
)

func TestTheReaderOfAStreamWaitsForTheSubmitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newLineQueue(3, 100)
		put := 0
		refused := false
		go func() {
			for _, size := range []int{10, 10, 10, 10, 60, 60, 500, 1, 1} {
				if refused = !q.put(lineItem{line: put}, size); refused {
					return
				}
				put++
			}
		}()
		step := func(what string, want int) {
			t.Helper()
			synctest.Wait()
			if put != want {
				t.Fatalf("%s: %d lines were put, want %d", what, put, want)
			}
		}
		step("bounded by number", 3)
		if got := q.take(nil, 2); len(got) != 2 || got[0].line != 0 || got[1].line != 1 {
			t.Fatalf("took %v", got)
		}
		step("room for two", 5)
		q.take(nil, 2)
		step("bounded by bytes", 5)
		if got := q.take(nil, 9); len(got) != 1 || got[0].line != 4 {
			t.Fatalf("took %v", got)
		}
		step("room again", 6)
		q.take(nil, 1)
		step("a line larger than the queue goes in alone", 7)
		q.abandon()
		synctest.Wait()
		if !refused {
			t.Error("an abandoned queue takes lines")
		}
		q.close()
		if got := q.take(nil, 9); len(got) != 1 {
			t.Errorf("what was put before the close: %v", got)
		}
		if got := q.take(nil, 9); len(got) != 0 {
			t.Errorf("a closed and empty queue gives %v", got)
		}
	})
}
