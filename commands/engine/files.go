package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// SnapshotFiles keeps snapshots in a directory, one file for each stream, and the runs of those streams that have some in
// directories below. A file is replaced as a whole.
type SnapshotFiles struct{ dir string }

var _ Snapshots = (*SnapshotFiles)(nil)

// NewSnapshotFiles keeps snapshots in dir, which it makes where it is missing. No other process does at the same time:
// what one that died was writing is removed, which would stay for ever otherwise.
func NewSnapshotFiles(dir string) (*SnapshotFiles, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory of snapshots: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for unfinished snapshots: %w", err)
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != unfinished {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return nil, fmt.Errorf("remove an unfinished snapshot: %w", err)
		}
	}
	return &SnapshotFiles{dir: dir}, nil
}

// unfinished ends the names of files that are being written.
const unfinished = ".tmp"

// Save implements [Snapshots].
func (f *SnapshotFiles) Save(
	ctx context.Context, stream string, _ eventstore.Revision, write func(io.Writer) error,
) error {
	file, err := os.CreateTemp(f.dir, "*"+unfinished)
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", err)
	}
	err = writeGently(ctx, file, write)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), f.path(stream))
	}
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return f.sync()
}

// writeGently writes a file and puts it on the disk, little by little: those who wait for the disk meanwhile, as appends
// do, never wait for much of it. It ends with the context.
func writeGently(ctx context.Context, file *os.File, write func(io.Writer) error) error {
	const buffer = 256 << 10
	out := bufio.NewWriterSize(&syncingWriter{ctx: ctx, file: file}, buffer)
	if err := write(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

type syncingWriter struct {
	ctx   context.Context //nolint:containedctx // of the one call that it serves
	file  *os.File
	dirty int
}

// Write implements [io.Writer].
func (w *syncingWriter) Write(p []byte) (int, error) {
	const most = 4 << 20
	if err := w.ctx.Err(); err != nil {
		return 0, err //nolint:wrapcheck // the caller's
	}
	n, err := w.file.Write(p)
	if w.dirty += n; err != nil || w.dirty < most {
		return n, err
	}
	w.dirty = 0
	return n, w.file.Sync()
}

// sync makes a file's new name last.
func (f *SnapshotFiles) sync() error {
	dir, err := os.Open(f.dir)
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return fmt.Errorf("sync the directory of snapshots: %w", err)
	}
	return nil
}

// Load implements [Snapshots].
func (f *SnapshotFiles) Load(_ context.Context, stream string) ([]byte, error) {
	snapshot, err := os.ReadFile(f.path(stream))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load a snapshot: %w", err)
	}
	return snapshot, nil
}

// Remove implements [Snapshots].
func (f *SnapshotFiles) Remove(_ context.Context, stream string) error {
	if err := os.Remove(f.path(stream)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a snapshot: %w", err)
	}
	return nil
}

// Runs implements [Snapshots].
func (f *SnapshotFiles) Runs(stream string) *runs.Dir {
	return runs.NewDir(filepath.Join(f.dir, url.PathEscape(stream)+".runs"))
}

func (f *SnapshotFiles) path(stream string) string {
	return filepath.Join(f.dir, url.PathEscape(stream)+".snapshot")
}
