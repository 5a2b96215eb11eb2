package runs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Has tells whether a run is here and can be opened.
func (d *Dir) Has(id ID) bool {
	run, err := d.Open(id)
	return err == nil && run.Close() == nil
}

// Source opens the file of a run at its beginning, for it to be received by another directory. The caller closes it.
func (d *Dir) Source(id ID) (*os.File, error) {
	run, err := d.Open(id)
	if err != nil {
		return nil, err
	}
	return run.file, nil
}

// Receive writes a run that was made in another directory, in place of whatever has its name here. What write writes has to be that
// run as it was there. Where it is not ([ErrDamaged]), or write fails, nothing changes. Sync makes it last.
func (d *Dir) Receive(id ID, write func(io.Writer) error) error {
	if !isName(id.Name) {
		return fmt.Errorf("receive a run: %w: no run is called %q", ErrDamaged, id.Name)
	}
	file, err := d.create(id.Name)
	if err != nil {
		return fmt.Errorf("receive a run: %w", err)
	}
	if err = write(&syncing{file: file}); err == nil {
		_, err = id.load(file)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(d.path, id.Name))
	}
	if err != nil {
		return fmt.Errorf("receive a run: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// isName tells whether a run can be called so: it comes from outside, and names a file in the directory and no other.
func isName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "." && !strings.HasSuffix(name, unfinished)
}
