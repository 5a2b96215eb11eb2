package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/progress"
)

// clusterFlags make a server a node of a cluster: one of several processes that share an event store, read models and NATS.
type clusterFlags struct {
	Node   string        `placeholder:"NAME" help:"Be a node of a cluster, by this name. It takes --store, --views and --nats outside the process."`
	Roles  string        `default:"commands,relay,projections,queries" placeholder:"ROLE,…" help:"What this node does (default: ${default})."`
	Lease  time.Duration `default:"5s" help:"How long a node may be silent before others take over what it does."`
	Follow time.Duration `default:"10s" help:"How often ledgers are given to the nodes where nearly all of their commands come in; 0s for never."`

	SharedSnapshots int64 `name:"shared-snapshots" default:"1073741824" placeholder:"BYTES" help:"How many bytes of ledgers' snapshots NATS keeps for nodes that take ledgers over, if this node is the first to share one; 0 for a node that neither shares nor fetches any (default: 1 GiB)."`
}

// allRoles are what a node can do, and what one alone does.
func allRoles() []string {
	return []string{cluster.RoleCommands, cluster.RoleRelay, cluster.RoleProjections, cluster.RoleQueries}
}

// roles are what the settings have this process do.
func (f *clusterFlags) roles() []string {
	roles := strings.Split(f.Roles, ",")
	for i := range roles {
		roles[i] = strings.TrimSpace(roles[i])
	}
	return roles
}

// has tells whether a role is one of this process.
func (f *clusterFlags) has(role string) bool { return slices.Contains(f.roles(), role) }

// validateNode refuses roles that do not exist, and a part of them for a process that is alone.
func (f *clusterFlags) validateNode() error {
	for i, role := range f.roles() {
		if !slices.Contains(allRoles(), role) {
			return fmt.Errorf("--roles %s: want %s, or some of them with commas between", f.Roles, strings.Join(allRoles(), ","))
		}
		if slices.Contains(f.roles()[:i], role) {
			return fmt.Errorf("--roles %s: %s is there twice", f.Roles, role)
		}
	}
	if f.Node == "" {
		if len(f.roles()) < len(allRoles()) {
			return errors.New("--roles are for nodes of a cluster, of which others do the rest: give this one a name with --node")
		}
		return nil
	}
	if !cluster.FitsName(f.Node) {
		return fmt.Errorf("--node %s: want 1 to 63 letters, digits, - and _, beginning with a letter or a digit", f.Node)
	}
	if f.SharedSnapshots < 0 {
		return fmt.Errorf("--shared-snapshots %d: want a number of bytes, or 0", f.SharedSnapshots)
	}
	if f.Lease < cluster.MinLease {
		return fmt.Errorf("--lease must be at least %s", cluster.MinLease)
	}
	if f.Follow < 0 {
		return errors.New("--follow must not be negative: 0s leaves ledgers where they are")
	}
	return nil
}

// validateCluster refuses a node that has to itself what nodes share.
func (s *serveCmd) validateCluster() error {
	if err := s.validateNode(); err != nil || s.Node == "" {
		return err
	}
	var missing []string
	if s.Store == inside {
		missing = append(missing, "--store (postgres://… or esdb://…)")
	}
	if s.Views == inside {
		missing = append(missing, "--views (postgres://…)")
	}
	if s.NATS == "" {
		missing = append(missing, "--nats (nats://…)")
	}
	if len(missing) > 0 {
		return fmt.Errorf("--node %s: nodes of a cluster share an event store, read models and NATS, so that these have to be outside "+
			"the process; name them with %s", s.Node, strings.Join(missing, ", "))
	}
	return nil
}

// joinCluster makes this process a node, where it has a name for one.
func (s *server) joinCluster(ctx context.Context) error {
	if s.settings.Node == "" {
		return nil
	}
	home, err := s.dir.Home()
	if err != nil {
		return err
	}
	// What others are told of this node includes where it serves, so that the address has to be known.
	if s.listen, err = s.listenOn(ctx, "--listen", s.settings.Listen); err != nil {
		return err
	}
	version, _ := built()
	s.member, err = cluster.New(cluster.Options{
		Conn: s.conn,
		Node: cluster.Node{
			Name: s.settings.Node, Home: home, Roles: s.settings.roles(), Address: s.Address(), Version: version,
		},
		Lease: s.settings.Lease, Replicas: s.settings.NATSReplicas, Follow: s.settings.Follow, Taken: s.release,
		Logger: s.logger, Registerer: s.registry,
	})
	if err != nil {
		return err
	}
	s.workers.Start(ctx, s.member)
	s.progress = progress.New(progress.Options{Conn: s.conn, Board: s.board, Bound: s.lag, Logger: s.logger})
	s.workers.Start(ctx, s.progress)
	return nil
}

// refuseQueries answers queries on a node that has no part in them. It is neither a path that does not exist nor a ledger that does
// not: another node has both.
func (s *server) refuseQueries(api *echo.Group) {
	if s.settings.has(cluster.RoleQueries) {
		return
	}
	api.GET("/*", func(echo.Context) error {
		return httpx.NewProblem(httpx.CodeOverloaded, "The node %s does not have the role %q: ask one that has it.",
			s.settings.Node, cluster.RoleQueries)
	})
}
