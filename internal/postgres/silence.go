package postgres

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A server that is gone without a word, its machine or the way to it, leaves connections that look sound: who waits for an answer
// waits for ever, and what was sent is sent again for a quarter of an hour. So do connections of clients that are gone look
// to the server, which keeps their locks. Both ends ask whether the other is there when they have heard nothing for a while,
// and give up what is not acknowledged. How long a statement takes does not matter, as long as the machine answers.

const connectTimeout = 5 * time.Second

// The parameters that say how much silence is borne, by the server's own names. They hold for both ends.
const (
	keepAliveIdle     = "tcp_keepalives_idle"     // seconds
	keepAliveInterval = "tcp_keepalives_interval" // seconds
	keepAliveCount    = "tcp_keepalives_count"
	userTimeout       = "tcp_user_timeout" // milliseconds
)

// borne is how much silence is borne where an address says nothing: about 20 seconds.
var borne = Settings{ //nolint:gochecknoglobals // a constant table
	keepAliveIdle: "5", keepAliveInterval: "5", keepAliveCount: "3", userTimeout: "20000",
}

// BoundSilence has connections end that nothing is heard of any more, and bounds how long one may take to be made. What was
// read of an address, and stands in the parameters for the server, goes before its defaults.
func BoundSilence(config *pgconn.Config) error {
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	numbers := make(map[string]int, len(borne))
	for name, usual := range borne {
		said, ok := config.RuntimeParams[name]
		if !ok {
			config.RuntimeParams[name], said = usual, usual
		}
		number, err := strconv.ParseUint(said, 10, 31)
		if err != nil {
			return fmt.Errorf("%s is %q, want a whole number", name, said)
		}
		numbers[name] = int(number)
	}
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable:   true,
			Idle:     orSystems(time.Duration(numbers[keepAliveIdle]) * time.Second),
			Interval: orSystems(time.Duration(numbers[keepAliveInterval]) * time.Second),
			Count:    int(orSystems(time.Duration(numbers[keepAliveCount]))),
		},
		Control: giveUpAfter(time.Duration(numbers[userTimeout]) * time.Millisecond),
	}
	config.DialFunc = dialer.DialContext
	return nil
}

// orSystems has 0 mean what the system has, as the server does, where Go has a default of its own.
func orSystems(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
