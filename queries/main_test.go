package queries_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// TestMain keeps the random trials short where nobody asks for more: each makes a database. With DAYBOOK_TEST_SOAK in the
// environment they are many, from a seed that is printed.
func TestMain(m *testing.M) {
	asked := false
	flag.Parse()
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	checks := "12"
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		checks = "1000"
		if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
			check(flag.Set("rapid.seed", strconv.FormatUint(1+rand.Uint64N(math.MaxUint64), 10)))
		}
		fmt.Fprintln(os.Stderr, "rapid.seed", flag.Lookup("rapid.seed").Value)
	}
	if !asked {
		check(flag.Set("rapid.checks", checks))
	}
	os.Exit(pgtest.Run(m))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
