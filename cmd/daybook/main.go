// Command daybook keeps double-entry ledgers: it serves them over HTTP, imports and exports journals, prints balances,
// and looks after its read models. This package is the wiring, and the only place that knows concrete types.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/daybook-ledger/daybook/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := daybook(ctx, os.Args[1:], os.Environ(), &streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, tty: term.IsTerminal(int(os.Stderr.Fd())),
	})
	stop()
	os.Exit(code)
}

// cli is the command line. Every flag is also DAYBOOK_<FLAG> in the environment and a line in the configuration file.
type cli struct {
	Config string `placeholder:"FILE" help:"YAML file of settings, one 'flag: value' a line. Flags and the environment override it."`

	Serve       serveCmd       `cmd:"" help:"Serve ledgers over HTTP."`
	Import      importCmd      `cmd:"" help:"Import a journal (hledger or ledger syntax), or NDJSON of commands."`
	Balances    balancesCmd    `cmd:"" help:"Print the balances of a ledger."`
	Export      exportCmd      `cmd:"" help:"Write a ledger as a journal, or as NDJSON of commands."`
	Projections projectionsCmd `cmd:"" help:"List and rebuild the read models."`
	Audit       auditCmd       `cmd:"" help:"Verify that the log is what was written."`
	Store       storeCmd       `cmd:"" help:"Say where the event store is, and in what it differs from others."`
	Bench       benchCmd       `cmd:"" set:"runs=3" help:"Measure Daybook against a no-op handler on this machine."`
	Cluster     clusterCmd     `cmd:"" help:"Look at a cluster."`
	Health      healthCmd      `cmd:"" help:"Ask a server whether it is well; the exit code tells."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// BeforeResolve makes the settings of the configuration file known before kong looks for the values of flags.
func (c *cli) BeforeResolve(ctx *kong.Context) error {
	path := c.Config // from the environment
	for _, flag := range ctx.Model.Flags {
		if given, ok := ctx.FlagValue(flag).(string); ok && flag.Name == "config" && given != "" {
			path = given
		}
	}
	if path == "" {
		return nil
	}
	settings, err := config.ReadFile(path)
	if err != nil {
		return err
	}
	if err := settings.Validate(ctx.Model); err != nil {
		return err
	}
	ctx.AddResolver(settings)
	return nil
}

// exit codes: 0 for success, 1 where the work failed, 2 where the command line or a setting is wrong. A command may have
// more of its own, which its help names.
const (
	exitFailed = 1
	exitUsage  = 2
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

func (e *exitError) Unwrap() error { return e.error }

// daybook is the program, without its process: tests call it with arguments, an environment and streams of their own.
func daybook(ctx context.Context, args, environ []string, std *streams) int {
	parsed, err := parse(ctx, args, environ, std)
	var early exited
	switch {
	case errors.As(err, &early):
		return int(early)
	case err != nil:
		fmt.Fprintf(std.err, "daybook: %v\n", err)
		return exitUsage
	}
	err = parsed.Run()
	if err == nil {
		return 0
	}
	fmt.Fprintf(std.err, "daybook: %v\n", err)
	var coded *exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}

// exited is the panic, and then the error, of a command line that kong answers by itself (--help).
type exited int

func (exited) Error() string { return "exited" }

func parse(ctx context.Context, args, environ []string, std *streams) (parsed *kong.Context, err error) {
	defer func() {
		if p := recover(); p != nil {
			code, ok := p.(exited)
			if !ok {
				panic(p)
			}
			err = code
		}
	}()
	parser, err := newParser(ctx, std)
	if err != nil {
		return nil, err
	}
	if err := config.CheckEnvironment(parser.Model, environ); err != nil {
		return nil, err
	}
	parsed, err = parser.Parse(args)
	if err != nil {
		return nil, fmt.Errorf("%w (see daybook --help)", err)
	}
	return parsed, nil
}

func newParser(ctx context.Context, std *streams) (*kong.Kong, error) {
	parser, err := kong.New(&cli{},
		kong.Name("daybook"),
		kong.Description("Daybook keeps double-entry ledgers as a log of events."),
		kong.DefaultEnvars(config.Prefix),
		kong.UsageOnError(),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return nil, fmt.Errorf("build the command line: %w", err)
	}
	return parser, nil
}

type versionCmd struct{}

// Run prints the module's version and the commit it was built from, as far as the build recorded them.
func (versionCmd) Run(std *streams) error {
	version, commit := built()
	if commit != "" {
		commit = " " + commit
	}
	_, err := fmt.Fprintln(std.out, "daybook", version+commit)
	return err
}

// built tells the module's version and the commit, which is empty where the build did not record it.
func built() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			commit = setting.Value
		}
	}
	return info.Main.Version, commit
}
