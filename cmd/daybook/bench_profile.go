package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// profile takes a CPU profile of the server for as long as a load lasts, if one was asked for and none was taken. The
// function that it returns waits for it.
func (s *benchServer) profile(ctx context.Context, lasts time.Duration) (wait func() error) {
	if s.lab.profileTo == "" || s.profiles == "" || lasts <= 0 {
		return func() error { return nil }
	}
	path := s.lab.profileTo
	s.lab.profileTo = ""
	done := make(chan error, 1)
	go func() {
		whole := max(1, math.Floor(lasts.Seconds()))
		status, _, body, err := httpGet(ctx, s.profiles+"profile?seconds="+strconv.Itoa(int(whole)))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %.500s", status, body)
		}
		if err == nil {
			err = os.WriteFile(path, body, 0o644) //nolint:gosec // a profile is no secret
		}
		if err != nil {
			err = fmt.Errorf("take a CPU profile: %w", err)
		}
		done <- err
	}()
	return func() error { return <-done }
}

// freeAddress is one on loopback that nobody listens on at the moment.
func freeAddress(ctx context.Context) (string, error) {
	addresses, err := freeAddresses(ctx, 1)
	return strings.Join(addresses, ""), err
}

// freeAddresses are so many of them.
func freeAddresses(ctx context.Context, n int) (addresses []string, err error) {
	for range n {
		var listener net.ListenConfig
		l, listening := listener.Listen(ctx, "tcp", "127.0.0.1:0")
		if listening != nil {
			return nil, errors.Join(fmt.Errorf("find a free port: %w", listening), err)
		}
		defer func() { err = errors.Join(err, l.Close()) }() // not before all are found, so that they differ
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
