package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/loadgen"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// benchNoopCmd serves the baselines of the benchmarks: an Echo handler that binds the same JSON body that a posting has,
// and answers with a small JSON object; and one that answers with an account, always the same. They decide, store, look
// up and log nothing.
type benchNoopCmd struct {
	Account string `help:"The JSON that a GET of an account answers with."`
}

type noopTransaction struct {
	Transfers []struct {
		From   string `json:"from"`
		To     string `json:"to"`
		Asset  string `json:"asset"`
		Amount string `json:"amount"`
	} `json:"transfers"`
}

type noopAccount struct {
	Account wire.Account `json:"account"`
}

// Run serves on a free port until ctx ends.
func (c benchNoopCmd) Run(ctx context.Context, std *streams) error {
	var account noopAccount
	if c.Account != "" {
		if err := json.Unmarshal([]byte(c.Account), &account); err != nil {
			return fmt.Errorf("--account: %w", err)
		}
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST(benchLedgerPath+transactionsPath, func(c echo.Context) error {
		var body noopTransaction
		if err := c.Bind(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, map[string]int{"transfers": len(body.Transfers)})
	})
	e.GET(benchLedgerPath+"/accounts/:account", func(c echo.Context) error { return c.JSON(http.StatusOK, &account) })
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

// withNoop runs work against the baselines in a process of their own.
func (l *lab) withNoop(ctx context.Context, work func(address string) error, flags ...string) error {
	server, err := startChild(ctx, l.log, append([]string{"bench", "noop"}, flags...)...)
	if err != nil {
		return err
	}
	defer server.Kill()
	return work(server.Address)
}

// readNoop gauges a load against the baselines.
func (l *lab) readNoop(ctx context.Context, g *gauge, name string) (row, error) {
	l.sayf("%s", name)
	g.send = loadgen.Run
	return g.read(ctx, name)
}
