// Package config finds the value of each setting: on the command line, else in the environment, else in a file, else
// the default. A setting that nothing knows is an error wherever it stands, so that a misspelt one never passes for set.
//
// Settings are the flags of the command line; kong declares them. The flag --nats-listen is DAYBOOK_NATS_LISTEN in the
// environment and "nats-listen" in the file.
package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// Prefix begins the name of every setting in the environment.
const Prefix = "DAYBOOK"

// testPrefix begins variables that steer the project's own tests and are no settings of the program.
const testPrefix = Prefix + "_TEST_"

// fileFlag names the file itself, so that it means nothing in there.
const fileFlag = "config"

// File is a configuration file: a YAML mapping of flag names to values. It is a [kong.Resolver].
type File struct {
	path   string
	values map[string]any
}

// ReadFile reads a configuration file.
func ReadFile(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration file: %w", err)
	}
	file := &File{path: path}
	if err := yaml.Unmarshal(text, &file.values); err != nil {
		return nil, fmt.Errorf("configuration file %s: want lines of the form `flag: value`: %w", path, err)
	}
	for name, value := range file.values {
		switch value.(type) {
		case string, int, bool, float64, uint64, int64:
		default:
			return nil, fmt.Errorf("configuration file %s: %s must be a single value", path, name)
		}
	}
	return file, nil
}

// Validate refuses a file that names a flag which no command has.
func (f *File) Validate(app *kong.Application) error {
	known := flagNames(app)
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if !known[name] || name == fileFlag {
			return fmt.Errorf("configuration file %s: unknown setting %q", f.path, name)
		}
	}
	return nil
}

// Resolve gives the file's value for a flag, unless the environment has one.
func (f *File) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil //nolint:nilnil // kong's way to say that this resolver has no value
		}
	}
	value, ok := f.values[flag.Name]
	if !ok {
		return nil, nil //nolint:nilnil // as above
	}
	return fmt.Sprint(value), nil
}

// CheckEnvironment refuses variables that begin with the prefix and name no flag of the program. The environment is
// given as os.Environ gives it.
func CheckEnvironment(app *kong.Application, environ []string) error {
	known := flagNames(app)
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, Prefix+"_") || strings.HasPrefix(name, testPrefix) {
			continue
		}
		flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, Prefix+"_"), "_", "-"))
		if !known[flag] {
			return fmt.Errorf("environment variable %s: there is no setting --%s (see daybook --help)", name, flag)
		}
	}
	return nil
}

// flagNames are the names of the flags of the application and of all its commands.
func flagNames(app *kong.Application) map[string]bool {
	names := map[string]bool{}
	// Visit fails only where the visitor does.
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			names[flag.Name] = true
		}
		return next(nil)
	})
	delete(names, "help") // kong's own, which it looks for on the command line alone
	return names
}
