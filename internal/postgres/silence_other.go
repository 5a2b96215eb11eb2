//go:build !linux

package postgres

import (
	"syscall"
	"time"
)

// giveUpAfter leaves it to the system how long it sends again what is not acknowledged: only Linux can be told.
func giveUpAfter(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
