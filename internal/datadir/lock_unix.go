//go:build unix

package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// acquire takes the directory's lock. The kernel gives it back when the process ends, however it ends.
func (d *Dir) acquire() error {
	file, err := os.OpenFile(filepath.Join(d.path, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the data directory's lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = file.Close() // nothing was written
		return fmt.Errorf("another daybook runs in %s: stop it first, or choose another --data", d.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lock the data directory: %w", err), file.Close())
	}
	d.lock = file
	return nil
}
