package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// errMissing: there is no server and no way to make one.
var errMissing = errors.New("there is no PostgreSQL")

func isMissing(err error) bool { return errors.Is(err, errMissing) }

// findPrograms gives the folder of the newest PostgreSQL that is installed. Debian keeps it out of the PATH.
func findPrograms() (string, error) {
	if !canStart {
		return "", fmt.Errorf("%w that could be started on this system", errMissing)
	}
	found, newest := "", 0
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is not malformed
	for _, folder := range folders {
		version, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
		if _, missing := os.Stat(filepath.Join(folder, "initdb")); err == nil && missing == nil && version > newest {
			found, newest = folder, version
		}
	}
	if found != "" {
		return found, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	return "", errMissing
}
