package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// storeCmd is `daybook store`.
type storeCmd struct {
	logFlags

	JSON bool `name:"json" help:"As JSON."`
}

// storeReport is what an operator should know of an event store.
type storeReport struct {
	Kind     string `json:"kind"`
	Identity string `json:"identity,omitempty"`
	// Shared: any number of processes may work on it.
	Shared               bool `json:"shared"`
	MaxAppendBytes       int  `json:"max_append_bytes"`
	Withdraws            bool `json:"withdraws"`
	RecognisesRepetition bool `json:"recognises_repetition"`
	// Endpoint: --esdb-listen can serve it.
	Endpoint bool `json:"endpoint"`
}

// Run prints a line for each.
func (c *storeCmd) Run(ctx context.Context, std *streams) (err error) {
	log, _, err := c.openMade(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, log)
	traits := log.Traits()
	report := storeReport{
		Kind: log.kind.String(), Identity: log.identity, Shared: log.kind != inSQLite, MaxAppendBytes: traits.MaxAppendBytes,
		Withdraws: traits.Withdraws, RecognisesRepetition: traits.RecognisesRepetition,
		Endpoint: log.kind != inEventStoreDB,
	}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	for _, line := range report.lines() {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	return w.Flush()
}

func (r *storeReport) lines() [][2]string {
	identity := r.Identity
	if identity == "" {
		identity = "that of the data directory"
	}
	return [][2]string{
		{"event store", r.Kind},
		{"identity", identity},
		{"processes on it", either(r.Shared, "any number", "one")},
		{"one append", fmt.Sprintf("at most %d bytes; a bulk of independent commands is divided, an atomic one that is larger is refused", r.MaxAppendBytes)},
		{"a caller that leaves while its append waits", either(r.Withdraws, "nothing is written", "nobody knows: the append is on its way")},
		{"an append that is sent again", either(r.RecognisesRepetition, "is recognised by the ids of its events", "conflicts with itself")},
		{"clients for EventStoreDB", either(r.Endpoint, "read it by --esdb-listen", "read it there")},
	}
}

func either(holds bool, then, otherwise string) string {
	if holds {
		return then
	}
	return otherwise
}
