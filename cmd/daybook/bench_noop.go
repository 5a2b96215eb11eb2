package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchNoopCmd serves the baseline of the benchmarks: an Echo handler that binds the same JSON body that a posting has,
// and answers with a small JSON object. It decides, stores and logs nothing.
type benchNoopCmd struct{}

type noopTransaction struct {
	Transfers []struct {
		From   string `json:"from"`
		To     string `json:"to"`
		Asset  string `json:"asset"`
		Amount string `json:"amount"`
	} `json:"transfers"`
}

// Run serves on a free port until ctx ends.
func (benchNoopCmd) Run(ctx context.Context, std *streams) error {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST(transactionsPath, func(c echo.Context) error {
		var body noopTransaction
		if err := c.Bind(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, map[string]int{"transfers": len(body.Transfers)})
	})
	var listener net.ListenConfig
	l, err := listener.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(std.out, "daybook: listening on http://%s\n", l.Addr())
	server := &http.Server{Handler: e, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(std.err, nil), slog.LevelError)} //nolint:gosec // a baseline on loopback, without timeouts
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// measureNoop runs the load against the baseline in a process of its own.
func measureNoop(ctx context.Context, std *streams, load func(address string) loadgen.Load) (loadgen.Result, error) {
	server, err := startChild(ctx, std.err, "bench", "noop")
	if err != nil {
		return loadgen.Result{}, err
	}
	defer server.Kill()
	return loadgen.Run(ctx, load(server.Address))
}
