package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// serveCluster tells what this node knows of its cluster.
func (s *server) serveCluster(api *echo.Group) {
	api.GET("/cluster", func(c echo.Context) error { return c.JSON(http.StatusOK, s.cluster()) })
}

func (s *server) cluster() wire.Cluster {
	told := wire.Cluster{Standing: wire.StandingSingle, Nodes: []wire.ClusterNode{}, LagEvents: s.lag.Behind(), Holding: s.lag.Held() != nil}
	if s.member == nil {
		return told
	}
	picture := s.member.Picture()
	told.Node, told.Standing, told.UnownedLedgers = picture.Node, picture.Standing, picture.Unowned
	for _, n := range picture.Nodes {
		told.Nodes = append(told.Nodes, wire.ClusterNode{
			Node: n.Name, Roles: n.Roles, Address: n.Address, Version: n.Version, Session: n.Session, StartedAt: n.Started,
			Ledgers: n.Ledgers, Leads: append([]string{}, n.Leads...),
		})
	}
	return told
}

// clusterCmd is `daybook cluster`.
type clusterCmd struct {
	Status clusterStatusCmd `cmd:"" help:"Show the nodes of a cluster, what they own and do, and how far the read models are."`
}

// clusterStatusCmd is `daybook cluster status`: a cluster as one of its nodes sees it.
type clusterStatusCmd struct {
	atServer

	JSON bool `name:"json" help:"Print the server's answer."`
}

// statusPatience: a node knows its cluster and asks nobody.
const statusPatience = 10 * time.Second

// Run asks the node and prints what it answers.
func (c *clusterStatusCmd) Run(ctx context.Context, std *streams) error {
	var raw json.RawMessage
	server := c.client()
	server.Patience = statusPatience
	if err := server.Get(ctx, "/cluster", client.Query{}, &raw); err != nil {
		return fmt.Errorf("ask for the cluster: %w", err)
	}
	if c.JSON {
		_, err := fmt.Fprintf(std.out, "%s\n", raw)
		return err
	}
	var told wire.Cluster
	if err := json.Unmarshal(raw, &told); err != nil {
		return fmt.Errorf("read what the server tells of the cluster: %w", err)
	}
	return writeCluster(std, &told)
}

// writeCluster prints a table for people.
func writeCluster(std *streams, told *wire.Cluster) error {
	if told.Standing == wire.StandingSingle {
		_, err := fmt.Fprintf(std.out, "a single process, no cluster; read models: %s\n", behindness(told))
		return err
	}
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tADDRESS\tROLES\tLEADS\tLEDGERS\tSTARTED\tVERSION")
	nobody := "nobody"
	if told.Standing != wire.StandingHeld { // what it knew when it could still ask may not be so any more
		nobody = "not known"
	}
	leads := map[string]string{cluster.RoleRelay: nobody, cluster.RoleProjections: nobody}
	for _, n := range told.Nodes {
		for _, lead := range n.Leads {
			if told.Standing == wire.StandingHeld {
				leads[lead] = n.Node
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", n.Node, n.Address, strings.Join(n.Roles, ","), strings.Join(n.Leads, ","),
			n.Ledgers, n.StartedAt.UTC().Format(time.RFC3339), n.Version)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "relay: %s; projections: %s; ledgers of nobody: %d; read models: %s\nas seen by %s (session: %s)\n",
		leads[cluster.RoleRelay], leads[cluster.RoleProjections], told.UnownedLedgers, behindness(told), told.Node, told.Standing)
	return err
}

func behindness(told *wire.Cluster) string {
	text := fmt.Sprintf("%d events behind", told.LagEvents)
	if told.Holding {
		text += ", commands are held up"
	}
	return text
}
