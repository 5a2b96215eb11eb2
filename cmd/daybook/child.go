package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// childStopTimeout is how long a child may take to end by itself before it is killed.
const childStopTimeout = 30 * time.Second

// child is another daybook process that serves on loopback.
type child struct {
	command *exec.Cmd
	// Address is host:port, without a scheme; of what is no server of HTTP it is what that says.
	Address string
}

// startChild runs this program again with the given arguments and waits for the line in which it says where it listens.
// What it logs goes to log.
func startChild(ctx context.Context, log io.Writer, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return startProgram(ctx, log, self, args...)
}

func startProgram(ctx context.Context, log io.Writer, program string, args ...string) (*child, error) {
	command := exec.CommandContext(ctx, program, args...) //nolint:gosec // the program is this one
	command.Stderr = log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = childStopTimeout
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to a child: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start a child: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		return nil, errors.Join(fmt.Errorf("daybook %s did not say where it listens, but %q", strings.Join(args, " "), line),
			command.Process.Kill(), command.Wait())
	}
	return &child{command: command, Address: strings.TrimPrefix(address, "http://")}, nil
}

// Stop asks the child to end, as an operator would, and waits for it.
func (c *child) Stop() error {
	if err := c.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop a child: %w", err)
	}
	return c.command.Wait()
}

// Kill ends the child at once, as a crash would, and waits until it is gone.
func (c *child) Kill() {
	_ = c.command.Process.Kill() // it may be gone already
	_ = c.command.Wait()         // "killed" is what was asked for
}
