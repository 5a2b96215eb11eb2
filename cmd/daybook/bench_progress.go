package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// nobody looks at the progress of what is over soon.
func nobody(int) {}

// tellEach is how often a log is told of progress.
const tellEach = 10 * time.Second

// progress shows how far something long is: as a bar on a terminal, else as a line now and then. The function that it
// returns is called with what was done since the last call, by anyone.
func (l *lab) progress(what string, total int) func(int) {
	if l.tty {
		bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(l.log), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
		return func(n int) { _ = bar.Add(n) } // a bar that cannot be drawn is no reason to stop
	}
	var mu sync.Mutex
	done, began := 0, time.Now()
	told := began
	return func(n int) {
		mu.Lock()
		defer mu.Unlock()
		done += n
		if now := time.Now(); now.Sub(told) >= tellEach {
			told = now
			l.sayf("%s: %s", what, soFar(done, total, now.Sub(began)))
		}
	}
}

func soFar(done, total int, took time.Duration) string {
	return fmt.Sprintf("%d of %d (%d %%), %.0f/s", done, total, 100*done/max(1, total), float64(done)/took.Seconds())
}
