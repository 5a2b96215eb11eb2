package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/daybook-ledger/daybook/eventstore"
)

// SnapshotFiles keeps snapshots in a directory, one file for each stream. A file is replaced as a whole.
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
func (f *SnapshotFiles) Save(_ context.Context, stream string, _ eventstore.Revision, snapshot []byte) error {
	file, err := os.CreateTemp(f.dir, "*"+unfinished)
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", err)
	}
	_, err = file.Write(snapshot)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), f.path(stream))
	}
	if err != nil {
		return fmt.Errorf("save a snapshot: %w", errors.Join(err, os.Remove(file.Name())))
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

func (f *SnapshotFiles) path(stream string) string {
	return filepath.Join(f.dir, url.PathEscape(stream)+".snapshot")
}
