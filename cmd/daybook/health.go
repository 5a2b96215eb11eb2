package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// healthCmd is `daybook health`: it asks a server's probe, for supervisors that cannot do that themselves, as in a container
// that has nothing in it but this program. With the environment of the server it finds the address by itself.
type healthCmd struct {
	Listen  string        `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address that the server serves HTTP on (default: ${default})."`
	Ready   bool          `help:"Ask whether it is ready, too: /readyz instead of /healthz."`
	Timeout time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Validate refuses an address that no server can be asked at.
func (c *healthCmd) Validate() error {
	host, port, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("--listen %s: want host:port: %w", c.Listen, err)
	case host == "" || port == "" || port == "0":
		return fmt.Errorf("--listen %s: want the address and the port that the server told", c.Listen)
	case c.Timeout <= 0:
		return errors.New("--timeout must be more than 0")
	}
	return nil
}

// maxHealth bounds what is read of an answer.
const maxHealth = 64 << 10

// Run fails unless the server answers that all is well. What the server says of itself goes to standard output.
func (c *healthCmd) Run(ctx context.Context, std *streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	path := "/healthz"
	if c.Ready {
		path = "/readyz"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Listen+path, nil)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	direct := &http.Transport{} // not through a proxy that the environment names: it is this very server that is asked
	defer direct.CloseIdleConnections()
	answer, err := (&http.Client{Transport: direct}).Do(request)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealth))
	if err != nil {
		return fmt.Errorf("read what %s answers: %w", path, err)
	}
	if answer.StatusCode != http.StatusOK || !json.Valid(body) {
		return fmt.Errorf("%s answers %s: %s", path, answer.Status, body)
	}
	_, err = fmt.Fprintf(std.out, "%s\n", bytes.TrimSpace(body))
	return err
}
