package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const canStart = true

// other is the account that a server runs under where the tests run as root, which PostgreSQL refuses to run as. It is nil
// otherwise.
func other() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return nil
}

// giveAway makes a file or a folder the server's own.
func giveAway(path string) error {
	account := other()
	if account == nil {
		if os.Geteuid() == 0 {
			return errors.New("the tests run as root, as which PostgreSQL does not, and there is no other account")
		}
		return nil
	}
	if err := os.Chown(path, int(account.Uid), int(account.Gid)); err != nil {
		return fmt.Errorf("give %s to another account: %w", path, err)
	}
	return nil
}

// asOther has a program run under the other account, and end with this process, however that ends: at once, as PostgreSQL
// understands SIGQUIT. The kernel sends that when the thread ends that started the program: see keepThread.
func asOther(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Credential: other(), Pdeathsig: syscall.SIGQUIT}
}

// keepThread keeps the goroutine on its thread, and that alive, until the function is called that it gives.
func keepThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// childrenOf are the processes that a process has started and that are not gone.
func childrenOf(pid int) []int {
	var children []int
	states, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is not malformed
	for _, path := range states {
		state, err := os.ReadFile(path)
		if err != nil {
			continue // gone
		}
		// pid (name) state parent …; a name may hold anything.
		fields := strings.Fields(string(state[bytes.LastIndexByte(state, ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children = append(children, child)
		}
	}
	return children
}
