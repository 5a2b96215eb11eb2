package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
)

// measureMemory sets what the server has of memory, garbage collected, and what its engine has of that for each account.
func (s *benchServer) measureMemory(ctx context.Context, r *row, accounts int) error {
	resident, err := s.metric(ctx, "process_resident_memory_bytes")
	if err != nil {
		return err
	}
	status, _, profile, err := httpGet(ctx, s.profiles+"heap?gc=1&debug=1")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.500s", status, profile)
	}
	if err != nil {
		return fmt.Errorf("take a heap profile: %w", err)
	}
	heap, err := s.metric(ctx, "go_memstats_heap_alloc_bytes")
	if err != nil {
		return err
	}
	engine, err := inUseBy(profile, "/commands/engine.")
	r.set(colResident, resident/mib)
	r.set(colLiveHeap, heap/mib)
	r.set(colEngineEach, engine/float64(accounts))
	return err
}

// inUseBy adds up the bytes in use that were allocated with a function whose name contains a text on the stack, from the
// textual form of Go's heap profile:
//
//	heap profile: 11: 5767168 [22: 11534336] @ heap/1048576
//	1: 524288 [2: 1048576] @ 0x1 0x2
//	#	0x1	github.com/…/domain/ledger.Evolve+0x12	/path/evolve.go:7
//	(empty line)
//
// A record of n objects and b bytes stands for more of them, as only a sample is kept: at the mean of one in each rate
// bytes, of objects of b/n bytes the part 1-exp(-b/n/rate).
func inUseBy(profile []byte, name string) (total float64, err error) {
	var twiceRate, n, size float64
	head, records, _ := bytes.Cut(profile, []byte{'\n'})
	_, rate, _ := bytes.Cut(head, []byte("@ heap/"))
	if _, err := fmt.Sscan(string(rate), &twiceRate); err != nil {
		return 0, fmt.Errorf("heap profile begins with %q: %w", head, err)
	}
	for record := range bytes.SplitSeq(records, []byte("\n\n")) {
		if bytes.HasPrefix(record, []byte("# runtime.MemStats")) {
			break
		}
		if !bytes.Contains(record, []byte(name)) {
			continue
		}
		if _, err := fmt.Sscanf(string(record), "%f: %f [", &n, &size); err != nil {
			return 0, fmt.Errorf("heap profile has a record %.100q: %w", record, err)
		}
		if n > 0 {
			total += size / (1 - math.Exp(-size/n/(twiceRate/2)))
		}
	}
	return total, nil
}
