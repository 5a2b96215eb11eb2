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

// OnStop is a worker that does nothing until it is stopped, and then stops something that has no loop of its own to run,
// such as a connection or a file that others use.
func OnStop(name string, stop func() error) Worker { return onStop{name: name, stop: stop} }

type onStop struct {
	name string
	stop func() error
}

func (o onStop) Name() string { return o.name }

func (o onStop) Run(ctx context.Context) error {
	<-ctx.Done()
	return o.stop()
}
