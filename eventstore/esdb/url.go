package esdb

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// What a server takes in one append unless it is set up otherwise, and how much of that is kept for the names of types,
// which EventStoreDB counts twice.
const (
	defaultAppendSize = 1 << 20
	minAppendSize     = 1 << 17
	typesShare        = 16 // one part in so many
)

// settings are what a URL says.
type settings struct {
	config client.Configuration
	// appendSize is what the server takes in one append, in bytes as it counts them.
	appendSize int
}

// maxAppendBytes is what one append takes as the port counts it.
func (s settings) maxAppendBytes() int { return s.appendSize - s.appendSize/typesShare }

// Parameters of a connection string that are passed on. How connections are made, and to which node, is not for the
// operator to say.
//
//nolint:gochecknoglobals // a constant table
var passedOn = map[string]bool{
	"tls": true, "tlsverifycert": true, "tlscafile": true, "usercertfile": true, "userkeyfile": true,
	"keepaliveinterval": true, "keepalivetimeout": true, "gossiptimeout": true, "defaultdeadline": true,
}

const (
	appendSizeParameter = "maxappendsize"
	deadlineParameter   = "defaultdeadline"
)

// CheckURL refuses what cannot be the URL of a log in EventStoreDB, without connecting. Its error never holds the URL.
func CheckURL(raw string) error {
	_, err := parse(raw)
	return err
}

// parse reads a connection string more strictly than the client does, which ignores what it does not know. Errors never
// hold the URL, for it may have a password in it.
func parse(raw string) (settings, error) {
	base, query, _ := strings.Cut(raw, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return settings{}, fmt.Errorf("the parameters of the event store's URL: %w", err)
	}
	s := settings{appendSize: defaultAppendSize}
	for key := range values {
		name := strings.ToLower(key)
		switch {
		case len(values[key]) > 1:
			return settings{}, fmt.Errorf("the event store's URL has the parameter %s twice", key)
		case name == appendSizeParameter:
			if s.appendSize, err = strconv.Atoi(values.Get(key)); err != nil || s.appendSize < minAppendSize {
				return settings{}, fmt.Errorf("the event store's URL has maxAppendSize=%s: want a number of bytes, at least %d",
					values.Get(key), minAppendSize)
			}
			values.Del(key)
		case name == deadlineParameter && !positive(values.Get(key)):
			return settings{}, fmt.Errorf("the event store's URL has %s=%s: want a number of milliseconds", key, values.Get(key))
		case !passedOn[name]:
			return settings{}, fmt.Errorf("the event store's URL has the parameter %s, which Daybook does not know or does not take", key)
		}
	}
	config, err := client.ParseConnectionString(base + "?" + values.Encode())
	if err == nil {
		err = config.Validate()
	}
	if err != nil {
		var parsing *url.Error
		if errors.As(err, &parsing) {
			err = parsing.Err
		}
		return settings{}, fmt.Errorf("the event store's URL: %w", err)
	}
	if config.DisableTLS && config.Username != "" {
		return settings{}, errors.New("the event store's URL has credentials and tls=false: they would not be sent")
	}
	config.NodePreference = client.NodePreferenceLeader
	// A failed search is not the client's to repeat: it would do so whatever becomes of those who wait for it.
	config.MaxDiscoverAttempts, config.DiscoveryInterval = 1, 1
	s.config = *config
	return s, nil
}

func positive(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n > 0
}
