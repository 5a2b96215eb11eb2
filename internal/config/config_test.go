package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/config"
)

type cli struct {
	Config string `env:"-"`
	Serve  struct {
		Listen     string `default:"127.0.0.1:8080"`
		NATSListen string `name:"nats-listen"`
		Dev        bool
	} `cmd:""`
}

// write makes a configuration file.
func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "daybook.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// parse runs kong as cmd/daybook does: with the file as a resolver where there is one.
func parse(t *testing.T, file string, args ...string) (cli, error) {
	t.Helper()
	var c cli
	options := []kong.Option{kong.DefaultEnvars(config.Prefix), kong.Exit(func(int) { t.Fatal("kong exits") })}
	if file != "" {
		resolver, err := config.ReadFile(write(t, file))
		if err != nil {
			return c, err
		}
		options = append(options, kong.Resolvers(resolver))
	}
	parser, err := kong.New(&c, options...)
	if err != nil {
		return c, err
	}
	if err := config.CheckEnvironment(parser.Model, os.Environ()); err != nil {
		return c, err
	}
	_, err = parser.Parse(args)
	return c, err
}

func TestPrecedence(t *testing.T) {
	const file = "listen: 127.0.0.1:3\nnats-listen: 127.0.0.1:4\ndev: true\n"
	for name, test := range map[string]struct {
		env  string
		args []string
		file string
		want string
	}{
		"default":             {want: "127.0.0.1:8080"},
		"file over default":   {file: file, want: "127.0.0.1:3"},
		"environment over it": {file: file, env: "127.0.0.1:2", want: "127.0.0.1:2"},
		"flag over all":       {file: file, env: "127.0.0.1:2", args: []string{"--listen=127.0.0.1:1"}, want: "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.env != "" {
				t.Setenv("DAYBOOK_LISTEN", test.env)
			}
			c, err := parse(t, test.file, append([]string{"serve"}, test.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if c.Serve.Listen != test.want {
				t.Fatalf("listen = %q, want %q", c.Serve.Listen, test.want)
			}
			if test.file != "" && (!c.Serve.Dev || c.Serve.NATSListen != "127.0.0.1:4") {
				t.Fatalf("the file's other settings are lost: %+v", c.Serve)
			}
		})
	}
}

func TestUnknownSettingsAreErrors(t *testing.T) {
	t.Run("in the file", func(t *testing.T) {
		if _, err := parse(t, "lisen: x\n", "serve"); err == nil || !strings.Contains(err.Error(), `unknown setting "lisen"`) {
			t.Fatalf("error %v", err)
		}
	})
	for _, name := range []string{"help", "config"} {
		t.Run(name+" in the file", func(t *testing.T) {
			file, err := config.ReadFile(write(t, name+": x\n"))
			if err != nil {
				t.Fatal(err)
			}
			parser, err := kong.New(&cli{})
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Validate(parser.Model); err == nil || !strings.Contains(err.Error(), "unknown setting") {
				t.Fatalf("error %v", err)
			}
		})
	}
	t.Run("in the environment", func(t *testing.T) {
		t.Setenv("DAYBOOK_LISEN", "x")
		if _, err := parse(t, "", "serve"); err == nil || !strings.Contains(err.Error(), "no setting --lisen") {
			t.Fatalf("error %v", err)
		}
	})
	t.Run("a list where one value is wanted", func(t *testing.T) {
		if _, err := parse(t, "listen: [a, b]\n", "serve"); err == nil || !strings.Contains(err.Error(), "single value") {
			t.Fatalf("error %v", err)
		}
	})
	t.Run("variables of the tests are none of the program's", func(t *testing.T) {
		t.Setenv("DAYBOOK_TEST_POSTGRES", "x")
		if _, err := parse(t, "", "serve"); err != nil {
			t.Fatal(err)
		}
	})
}
