package main

import (
	"os"
	"syscall"
)

// syncData makes what was written durable, without the file's times.
func syncData(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
