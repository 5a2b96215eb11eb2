//go:build !linux

package pgtest

import "os/exec"

const canStart = false

func giveAway(string) error { return nil }

func asOther(*exec.Cmd) {}

func keepThread() (release func()) { return func() {} }

func childrenOf(int) []int { return nil }
