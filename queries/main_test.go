package queries_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain keeps the random trials short where nobody asks for more: each makes a database.
func TestMain(m *testing.M) {
	asked := false
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "40"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
