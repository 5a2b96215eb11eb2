// Package datadir is the directory that an embedded Daybook keeps everything in:
//
//	daybook.json   what this directory is, and the version of its layout
//	lock           held while a server runs here
//	events.db      the event store: the truth; missing where the event store is in a database elsewhere
//	views.db       the read models (and views.db.rebuild, locked while they are rebuilt)
//	snapshots/     engine snapshots: disposable
//	nats/          JetStream's files: disposable
//
// A directory that holds anything is never initialised again: one that is not Daybook's, that lacks its event store, that
// belongs to another event store, or that a later version made, is refused.
package datadir

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// format is the version of the layout that this program reads and writes.
const format = 1

const (
	markerName = "daybook.json"
	lockName   = "lock"

	unfinishedPrefix = ".new-"
)

// Dir is an opened data directory.
type Dir struct {
	path string
	lock *os.File
}

// marker is the content of daybook.json.
type marker struct {
	Format int `json:"format"`
	// Ready is false from the first start until the event store has been created: a process that dies in between
	// leaves a directory in which the store may still be missing.
	Ready bool `json:"ready"`
	// Store is the identity of an event store elsewhere; empty where it is in the directory.
	Store string `json:"store,omitempty"`
	// Home is the directory's own identity, once somebody asked for it.
	Home string `json:"home,omitempty"`
}

// Open opens the directory for a server, making it where it does not exist or is empty, and takes its lock.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	d := &Dir{path: path}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Inspect opens a directory that exists beside a server that may be running in it: nothing is made, no lock is taken.
func Inspect(path string) (*Dir, error) {
	d := &Dir{path: path}
	m, err := d.readMarker()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a Daybook data directory (it has no %s)", path, markerName)
	}
	if err != nil {
		return nil, err
	}
	return d, d.validate(m)
}

// StoreInside refuses a directory whose event store is elsewhere: what was made from one log is of no use with another.
func (d *Dir) StoreInside() error {
	m, err := d.readMarker()
	if err == nil && m.Store != "" {
		err = fmt.Errorf("%s belongs to the event store %s, which is elsewhere: name it with --store", d.path, m.Store)
	}
	return err
}

// StoreElsewhere refuses a directory that has an event store of its own. It gives the identity of the one elsewhere that
// the directory belongs to, and that alone is to be used with it; empty where it belongs to none yet.
func (d *Dir) StoreElsewhere() (identity string, err error) {
	m, err := d.readMarker()
	if err != nil {
		return "", err
	}
	_, missing := os.Stat(d.Events())
	if m.Store == "" && (m.Ready || missing == nil) {
		return "", fmt.Errorf("%s has an event store of its own, %s: choose another directory with --data, or leave out --store",
			d.path, filepath.Base(d.Events()))
	}
	return m.Store, nil
}

// MarkReady records that the event store exists: the one in the directory, or with an identity that one elsewhere. From then
// on a directory that has lost it is refused.
func (d *Dir) MarkReady(store string) error {
	m, err := d.readMarker()
	if err != nil {
		return err
	}
	m.Ready, m.Store = true, store
	return d.writeMarker(m)
}

// Home gives the identity of the directory itself, which no other has, for as long as it exists.
func (d *Dir) Home() (string, error) {
	m, err := d.readMarker()
	if err != nil || m.Home != "" {
		return m.Home, err
	}
	m.Home = rand.Text()
	return m.Home, d.writeMarker(m)
}

// Close gives the lock back.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

// Events is the path of the event store.
func (d *Dir) Events() string { return filepath.Join(d.path, "events.db") }

// Views is the path of the read models.
func (d *Dir) Views() string { return filepath.Join(d.path, "views.db") }

// Snapshots is the folder of the engines' snapshots.
func (d *Dir) Snapshots() string { return filepath.Join(d.path, "snapshots") }

// NATS is the folder of JetStream's files.
func (d *Dir) NATS() string { return filepath.Join(d.path, "nats") }

// check makes sure that the directory is Daybook's, or nobody's yet.
func (d *Dir) check() error {
	m, err := d.readMarker()
	if err == nil {
		return d.validate(m)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("look into the data directory: %w", err)
	}
	for _, entry := range entries {
		// A start that was cut short may have left its lock, and a marker that was never put in place.
		if entry.Name() != lockName && !strings.HasPrefix(entry.Name(), unfinishedPrefix) {
			return fmt.Errorf("%s holds %q but no %s: it is not a Daybook data directory; choose an empty or new one with --data",
				d.path, entry.Name(), markerName)
		}
	}
	return d.writeMarker(marker{Format: format})
}

func (d *Dir) validate(m marker) error {
	if m.Format != format {
		return fmt.Errorf("%s has layout version %d and this program knows %d: use the version of Daybook that made it",
			d.path, m.Format, format)
	}
	if !m.Ready || m.Store != "" {
		return nil
	}
	if _, err := os.Stat(d.Events()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has lost its event store %s: restore it from a backup; it is not made anew",
			d.path, filepath.Base(d.Events()))
	}
	return nil
}

func (d *Dir) readMarker() (marker, error) {
	var m marker
	text, err := os.ReadFile(filepath.Join(d.path, markerName))
	if err != nil {
		return m, fmt.Errorf("read the data directory's marker: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read %s: %w", filepath.Join(d.path, markerName), err)
	}
	return m, nil
}

// writeMarker replaces the marker in one step that survives a power cut.
func (d *Dir) writeMarker(m marker) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the data directory's marker: %w", err)
	}
	if err := replaceFile(filepath.Join(d.path, markerName), append(text, '\n')); err != nil {
		return fmt.Errorf("write the data directory's marker: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), unfinishedPrefix+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it is gone already where all went well
	if _, err := file.Write(content); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
