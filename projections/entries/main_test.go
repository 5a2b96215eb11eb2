package entries_test

import (
	"os"
	"testing"

	"github.com/daybook-ledger/daybook/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
