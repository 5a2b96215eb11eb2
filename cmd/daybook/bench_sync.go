package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

const (
	// syncedBlock is what one posting appends at least: a page.
	syncedBlock = 4096
	// syncsMax bounds how large the file gets.
	syncsMax = 20_000
)

// measureSync appends blocks to a new file in a directory, each made durable before the next, for a time: the least that
// a durable answer can cost on this disk.
func measureSync(ctx context.Context, dir string, lasts time.Duration) (_ *loadgen.Histogram, err error) {
	file, err := os.OpenFile(filepath.Join(dir, "sync"), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("measure the disk: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var took loadgen.Histogram
	block := make([]byte, syncedBlock)
	for end := time.Now().Add(lasts); time.Now().Before(end) && took.Count() < syncsMax && ctx.Err() == nil; {
		start := time.Now()
		if _, err := file.Write(block); err != nil {
			return nil, fmt.Errorf("measure the disk: %w", err)
		}
		if err := syncData(file); err != nil {
			return nil, fmt.Errorf("measure the disk: %w", err)
		}
		took.Record(time.Since(start))
	}
	return &took, context.Cause(ctx)
}
