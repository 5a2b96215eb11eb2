// Package openapitest holds the traffic of tests to the description of the HTTP API: a [Checker] stands between client
// and server, as a client's transport or as a server's middleware, and notes every request and answer that the
// description does not allow.
//
// An answer must have a status, a media type, headers and a body that are described. Objects in answers are taken as
// closed here, although clients are told not to: a member that nobody described is a fault. A request must be as
// described if it was accepted; what is refused may be anything.
//
// Reading order: checker.go, operation.go, schema.go, exchange.go, body.go, transport.go, middleware.go.
package openapitest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/internal/openapi"
)

// Checker knows a description, and notes what differs from it. It is safe for concurrent use.
type Checker struct {
	operations []*operation

	mu     sync.Mutex
	faults []error
	seen   map[seen]bool
}

// seen is an operation and a status that it answered with.
type seen struct {
	operation string
	status    int
}

// New makes a checker of a description, OpenAPI 3.1 in JSON.
func New(document []byte) (*Checker, error) {
	operations, err := operationsOf(document)
	if err != nil {
		return nil, err
	}
	return &Checker{operations: operations, seen: map[seen]bool{}}, nil
}

// Watch makes a checker of the API's description, which fails the test for what it has noted by its end.
func Watch(tb testing.TB) *Checker {
	tb.Helper()
	operations, err := described()
	if err != nil {
		tb.Fatal(err)
	}
	c := &Checker{operations: operations, seen: map[seen]bool{}}
	tb.Cleanup(func() {
		for _, fault := range c.Faults() {
			tb.Error(fault)
		}
	})
	return c
}

// described are the operations of the API: to compile them takes a moment, and tests are many.
var described = sync.OnceValues(func() ([]*operation, error) { //nolint:gochecknoglobals // made once from a constant
	return operationsOf(openapi.Document())
})

// Faults gives what was noted since they were last asked for.
func (c *Checker) Faults() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	faults := c.faults
	c.faults = nil
	return faults
}

// Saw tells whether an operation has answered with a status.
func (c *Checker) Saw(operation string, status int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[seen{operation, status}]
}

// Operation is what the description has at a method and a path.
type Operation struct {
	ID, Method, Path string
	// Statuses are those that it answers with, in order.
	Statuses []int
	// Examples are those of its request bodies.
	Examples []Example
}

// Example is an example of a request body, as JSON.
type Example struct {
	Name, Media string
	Body        []byte
}

// Operations gives all that is described, in order of path and method.
func (c *Checker) Operations() []Operation {
	list := make([]Operation, len(c.operations))
	for i, o := range c.operations {
		list[i] = Operation{ID: o.id, Method: o.method, Path: o.path, Examples: o.examples}
		for status := range o.answers {
			list[i].Statuses = append(list[i].Statuses, status)
		}
		slices.Sort(list[i].Statuses)
	}
	return list
}

// ValidBody tells what is wrong with the body of a request, nil for nothing.
func (c *Checker) ValidBody(operation, media string, body []byte) error {
	for _, o := range c.operations {
		if schema := o.bodies[media]; o.id == operation && schema != nil {
			return validJSON(schema, body)
		}
	}
	return fmt.Errorf("%s takes no %s", operation, media)
}

// mostFaults is how many faults are kept: after so many more say nothing new.
const mostFaults = 50

func (c *Checker) notef(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < mostFaults {
		c.faults = append(c.faults, fmt.Errorf("openapi: "+format, args...))
	}
}
