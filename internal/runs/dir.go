package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Dir is a directory of runs. It is made when the first one is written. Its owner sees to it that names are not used twice.
type Dir struct{ path string }

// NewDir gives the directory at a path, whether or not it exists.
func NewDir(path string) *Dir { return &Dir{path: path} }

// unfinished ends the names of files that are being written.
const unfinished = ".tmp"

// Write writes entries, of which there is at least one, as a run with that name. It sorts them where they are.
func (d *Dir) Write(name string, entries []Entry) (*Run, error) {
	slices.SortFunc(entries, Entry.compare)
	run, err := d.write(name, uint64(len(entries)), func(w *writer) error {
		for _, e := range entries {
			if err := w.add(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("write a run: %w", err)
	}
	return run, nil
}

// Merge writes as one run what is in several, without the places before from. It gives nil where nothing is left.
func (d *Dir) Merge(ctx context.Context, name string, runs []*Run, from uint64) (*Run, error) {
	room := uint64(0)
	for _, r := range runs {
		room += r.entries
	}
	run, err := d.write(name, room, func(w *writer) error {
		return merge(runs, func(e Entry) error {
			if e.Place < from {
				return nil
			}
			if w.run.entries%blockRoom == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return w.add(e)
		})
	})
	if err == nil {
		err = d.Sync()
	}
	if err != nil {
		return nil, fmt.Errorf("merge runs: %w", err)
	}
	return run, nil
}

// write makes a file complete under another name before it gets its own.
func (d *Dir) write(name string, room uint64, fill func(*writer) error) (_ *Run, err error) {
	file, err := d.create(name)
	if err != nil {
		return nil, err
	}
	w := newWriter(name, file, room)
	if err = fill(w); err == nil && w.run.entries > 0 {
		err = w.finish()
	}
	if err == nil && w.run.entries > 0 {
		err = os.Rename(file.Name(), filepath.Join(d.path, name))
	}
	if err != nil || w.run.entries == 0 {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return w.run, nil
}

// create makes a file that gets the name of a run when it is complete.
func (d *Dir) create(name string) (*os.File, error) {
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(d.path, name)+unfinished, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Open opens a run that was written.
func (d *Dir) Open(id ID) (*Run, error) {
	file, err := os.Open(filepath.Join(d.path, id.Name))
	if err != nil {
		return nil, fmt.Errorf("open a run: %w", err)
	}
	run, err := id.load(file)
	if err != nil {
		return nil, fmt.Errorf("open a run: %w", errors.Join(err, file.Close()))
	}
	return run, nil
}

// load reads what is in memory of that run.
func (id ID) load(file *os.File) (*Run, error) {
	run, err := load(id.Name, file)
	if err == nil && run.id != id {
		err = fmt.Errorf("%w: %s: it is another run", ErrDamaged, id.Name)
	}
	return run, err
}

// Sync has the names of all runs that were written on the disk.
func (d *Dir) Sync() error {
	for _, path := range []string{d.path, filepath.Dir(d.path)} {
		folder, err := os.Open(path)
		if err == nil {
			err = errors.Join(folder.Sync(), folder.Close())
		}
		if err != nil {
			return fmt.Errorf("sync the directory of runs: %w", err)
		}
	}
	return nil
}

// Keep removes all files but the runs with these names. Those that are open can be read until they are closed.
func (d *Dir) Keep(names []string) error {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for old runs: %w", err)
	}
	var others []string
	for _, entry := range entries {
		if !slices.Contains(names, entry.Name()) {
			others = append(others, entry.Name())
		}
	}
	return d.Remove(others)
}

// Remove removes runs, as far as they are there.
func (d *Dir) Remove(names []string) error {
	var err error
	for _, name := range names {
		if e := os.Remove(filepath.Join(d.path, name)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("remove old runs: %w", err)
	}
	return nil
}
