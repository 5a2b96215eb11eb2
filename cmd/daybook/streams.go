package main

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
)

// streams are what a command reads from and writes to. err is a terminal where tty is set.
type streams struct {
	in       io.Reader
	out, err io.Writer
	tty      bool
}

// remote is what commands have in common that ask a server about a ledger.
type remote struct {
	Ledger string `required:"" placeholder:"NAME" help:"Name of the ledger."`
	atServer
}

// atServer is the server that a command asks.
type atServer struct {
	Server string `default:"http://127.0.0.1:8080" placeholder:"URL" help:"URL of the server (default: ${default})."`
}

// Validate refuses what is no server's URL, such as a host without http://.
func (a *atServer) Validate() error {
	u, err := url.Parse(a.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("--server %s: want a URL such as http://127.0.0.1:8080", a.Server)
	}
	return nil
}

// serverPatience is longer than a server takes at most until it answers (see package httpx): who says nothing for that long is none, or
// has stopped in the middle of it.
const serverPatience = 200 * time.Second

func (a *atServer) client() *client.Client {
	return &client.Client{BaseURL: a.Server, Patience: serverPatience}
}
