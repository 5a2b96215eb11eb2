package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// How a server uses the machine, where the environment does not say so by Go's own variables.
const (
	// processorsFactor: the goroutine that writes the log comes back from the disk a thousand times a second, and then must not
	// wait until one that computes (a projection) has had its ten milliseconds. With more threads than processors it need not:
	// the operating system runs first who has slept. It gave 1.4 times the postings on two processors.
	processorsFactor = 2
	// garbagePercent: what lives for long is the books, and is large; what a request, or an event that was read, leaves behind is
	// small and dead at once.
	garbagePercent = 200
)

// useMachine sets the scheduler and the garbage collector of the process, however often it serves in its life.
func useMachine() {
	useProcessors()
	collectLess()
}

var useProcessors = sync.OnceFunc(func() { //nolint:gochecknoglobals // of the process
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processorsFactor * runtime.GOMAXPROCS(0))
	}
})

// collectLess sets the garbage collector of the process.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
