//go:build !unix

package datadir

import (
	"fmt"
	"os"
	"path/filepath"
)

// acquire opens the lock file. Where there is no flock, two servers in one directory are kept from harm by the event
// store alone, which refuses the append of whoever is behind.
func (d *Dir) acquire() error {
	file, err := os.OpenFile(filepath.Join(d.path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the data directory's lock: %w", err)
	}
	d.lock = file
	return nil
}
