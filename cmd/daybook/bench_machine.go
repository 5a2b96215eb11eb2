package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine is what figures depend on and a reader has to know.
type machine struct {
	Processor string    `json:"processor,omitempty"`
	Cores     int       `json:"cores"`
	Memory    string    `json:"memory,omitempty"`
	System    string    `json:"system"`
	Go        string    `json:"go"`
	Version   string    `json:"version"`
	Commit    string    `json:"commit,omitempty"`
	Time      time.Time `json:"time"`
}

func thisMachine() machine {
	m := machine{
		Processor: valueIn("/proc/cpuinfo", "model name"),
		Memory:    valueIn("/proc/meminfo", "MemTotal"),
		Cores:     runtime.NumCPU(),
		System:    runtime.GOOS + "/" + runtime.GOARCH,
		Go:        runtime.Version(),
		Version:   "unknown",
		Time:      time.Now().UTC().Truncate(time.Second),
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += " " + strings.TrimSpace(string(kernel))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		m.Version, m.Commit = info.Main.Version, commitOf(info)
	}
	return m
}

// commitOf is empty where the build did not record it.
func commitOf(info *debug.BuildInfo) string {
	var commit, changed string
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = " with changes"
		}
	}
	return commit + changed
}

// valueIn finds a line "name : value" in a file of /proc. Where there is no such file it is empty.
func valueIn(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte{':'})
		if string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

func (m *machine) markdown() string {
	return fmt.Sprintf("%s, %d cores, %s of memory, %s, %s, Daybook %s %s, %s\n",
		m.Processor, m.Cores, m.Memory, m.System, m.Go, m.Version, m.Commit, m.Time.Format(time.DateOnly))
}
