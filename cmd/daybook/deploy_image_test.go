package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"golang.org/x/mod/modfile"
)

// TestTheImageHoldsTogether reads the Dockerfile as the builder does: its stages, what is copied from where, and what is run.
func TestTheImageHoldsTogether(t *testing.T) {
	read, err := parser.Parse(bytes.NewReader([]byte(readFile(t, filepath.Join(projectRoot, "Dockerfile")))))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(read.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	final := stages[len(stages)-1]
	if final.BaseName != "scratch" {
		t.Errorf("the image is made on %s", final.BaseName)
	}
	var user string
	copied := map[string]bool{}
	for _, command := range final.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if _, there := instructions.HasStage(stages, c.From); !there {
				t.Errorf("%s copies from a stage that is not there", c)
			}
			copied[c.DestPath] = true
		case *instructions.UserCommand:
			user = c.User
		case *instructions.HealthCheckCommand:
			if c.Health.Test[0] != "CMD" || c.Health.Test[1] != "/daybook" {
				t.Errorf("the health is asked by %q, and there is no shell", c.Health.Test)
			}
			parsed(t, c.Health.Test[2:]...)
		case *instructions.EntrypointCommand:
			if c.PrependShell || !slices.Equal(c.CmdLine, []string{"/daybook"}) {
				t.Errorf("run is %q", c.CmdLine)
			}
		case *instructions.CmdCommand:
			parsed(t, c.CmdLine...)
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				t.Setenv(pair.Key, pair.Value)
			}
		case *instructions.VolumeCommand:
			for _, volume := range c.Volumes {
				if !copied[volume] {
					t.Errorf("nobody made %s for the user", volume)
				}
			}
		case *instructions.RunCommand:
			t.Errorf("%s in an image that has nothing to run it", c)
		}
	}
	if !copied["/daybook"] || user == "" || strings.HasPrefix(user, "0") || user == "root" {
		t.Errorf("copied are %v, the user is %q", copied, user)
	}
	parsed(t, "serve") // with the environment of the image
	if _, err := os.Stat(filepath.Join(projectRoot, "cmd/daybook")); err != nil {
		t.Error(err)
	}
	mod, err := modfile.Parse("go.mod", []byte(readFile(t, filepath.Join(projectRoot, "go.mod"))), nil)
	if err != nil {
		t.Fatal(err)
	}
	if release := strings.Join(strings.Split(mod.Go.Version, ".")[:2], "."); !strings.HasPrefix(stages[0].BaseName, "golang:"+release) {
		t.Errorf("it is built by %s, and the module wants Go %s", stages[0].BaseName, mod.Go.Version)
	}
}
