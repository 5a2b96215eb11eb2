// Package run starts and stops the workers of a process: each has an owner that waits for it, the first that fails
// stops the others, and stopping goes in the reverse order of starting.
package run

import "context"

// Worker is something that works until its context ends. Run returns nil when it ended because of that.
type Worker interface {
	// Name is for logs and metrics.
	Name() string
	// Run works until ctx ends or it cannot go on. It returns only when everything it started has ended.
	Run(ctx context.Context) error
}
