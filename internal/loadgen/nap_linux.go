package loadgen

import (
	"syscall"
	"time"
)

// nap sleeps for a short time, to some ten microseconds.
func nap(d time.Duration) {
	request := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&request, nil) // a signal may end it early: the caller looks at the clock
}
