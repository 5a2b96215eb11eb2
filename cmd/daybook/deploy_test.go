package main

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	compose "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"gopkg.in/yaml.v3"
)

// projectRoot is where docker-compose.yml is.
const projectRoot = "../.."

// composed is the project as docker compose reads it.
func composed(t *testing.T) *types.Project {
	t.Helper()
	options, err := compose.NewProjectOptions([]string{filepath.Join(projectRoot, "docker-compose.yml")}, compose.WithConsistency(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// madeSecrets are the files that the script makes, in a folder of the test.
func madeSecrets(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "secrets")
	makeSecrets(t, folder)
	return folder
}

func makeSecrets(t *testing.T, folder string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(projectRoot, "docs/deploy/secrets.sh"), folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nodes are the services that run this program.
func nodes(project *types.Project) map[string]types.ServiceConfig {
	found := map[string]types.ServiceConfig{}
	for name, service := range project.Services {
		if service.Image == "daybook" {
			found[name] = service
		}
	}
	return found
}

// TestComposedServicesFindWhatTheyNeed: files that are mounted exist, secrets are made, and what is published is on loopback.
func TestComposedServicesFindWhatTheyNeed(t *testing.T) {
	project, secrets := composed(t), madeSecrets(t)
	var published []string
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if _, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
		for _, secret := range service.Secrets {
			file := filepath.Base(project.Secrets[secret.Source].File)
			if _, err := os.Stat(filepath.Join(secrets, file)); err != nil {
				t.Errorf("%s needs a secret that is not made: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			published = append(published, name)
			if ip, err := netip.ParseAddr(port.HostIP); err != nil || !ip.IsLoopback() {
				t.Errorf("%s is published at %q", name, port.HostIP)
			}
		}
		for network := range service.Networks {
			if network != "outside" && !project.Networks[network].Internal {
				t.Errorf("the network %s of %s leads outside", network, name)
			}
		}
	}
	if slices.Sort(published); !slices.Equal(published, []string{"balancer", "grafana"}) {
		t.Errorf("published are %v", published)
	}
	api := members(project, "api")
	if want := []string{"balancer", "daybook-a", "daybook-b", "prometheus"}; !slices.Equal(api, want) {
		t.Errorf("in the trusted network are %v, want %v", api, want)
	}
}

func members(project *types.Project, network string) (names []string) {
	for name, service := range project.Services {
		if _, in := service.Networks[network]; in {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestPasswordsStay: who makes the secrets again keeps those that databases have by now.
func TestPasswordsStay(t *testing.T) {
	folder := madeSecrets(t)
	read := func() (all string) {
		for _, name := range []string{"postgres-password", "grafana-password", "daybook.yaml", "nats-private.conf"} {
			all += readFile(t, filepath.Join(folder, name))
		}
		return all
	}
	before := read()
	if makeSecrets(t, folder); read() != before {
		t.Error("the secrets are others when they are made again")
	}
	if other := madeSecrets(t); readFile(t, filepath.Join(other, "postgres-password")) == readFile(t, filepath.Join(folder, "postgres-password")) {
		t.Error("two folders have the same password")
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has the mode %s, %v", info.Mode(), err)
	}
}

// TestComposedNodesStart has the program read the command lines, the environment and the file of settings of its services.
func TestComposedNodesStart(t *testing.T) {
	project, secrets := composed(t), madeSecrets(t)
	all := nodes(project)
	if len(all) < 2 {
		t.Fatalf("the nodes are %v", all)
	}
	for name, service := range all {
		t.Run(name, func(t *testing.T) {
			for variable, value := range service.Environment {
				t.Setenv(variable, *value)
			}
			args := slices.Clone([]string(service.Command))
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "/run/secrets", secrets)
			}
			settings := parsed(t, args...).Selected().Target.Addr().Interface().(*serveCmd)
			host, _, _ := net.SplitHostPort(settings.Listen)
			if want := service.Networks["api"].Ipv4Address; host != want {
				t.Errorf("it listens on %s and has the address %s", settings.Listen, want)
			}
			if subnet := project.Networks["api"].Ipam.Config[0].Subnet; settings.TrustedNetwork != subnet {
				t.Errorf("it trusts %s, and its network is %s", settings.TrustedNetwork, subnet)
			}
			if settings.Node == "" || "daybook-"+settings.Node != name {
				t.Errorf("it is called %q", settings.Node)
			}
			if !slices.Contains(members(project, "stores"), name) {
				t.Errorf("%s is not in the network of the stores", name)
			}
			for _, address := range append([]string{settings.Store, settings.Views}, strings.Split(settings.NATS, ",")...) {
				u, err := url.Parse(address)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(members(project, "stores"), u.Hostname()) {
					t.Errorf("there is no %s in the network of the stores", u.Host)
				}
				if _, waits := service.DependsOn[u.Hostname()]; !waits {
					t.Errorf("it does not wait for %s", u.Hostname())
				}
			}
			health := parsed(t, "health").Selected().Target.Addr().Interface().(*healthCmd)
			if health.Listen != settings.Listen {
				t.Errorf("its health is asked at %s", health.Listen)
			}
		})
	}
}

// parsed is a command line as the program reads it, validated.
func parsed(t *testing.T, args ...string) *kong.Context {
	t.Helper()
	read, err := parse(context.WithoutCancel(t.Context()), args, os.Environ(), &streams{out: t.Output(), err: t.Output()})
	if err != nil {
		t.Fatalf("daybook %s: %v", strings.Join(args, " "), err)
	}
	return read
}

// TestComposedNATS has the server read its configuration.
func TestComposedNATS(t *testing.T) {
	project, secrets := composed(t), madeSecrets(t)
	for _, name := range []string{"nats-1", "nats-2", "nats-3"} {
		service := project.Services[name]
		t.Setenv("NATS_NAME", *service.Environment["NATS_NAME"])
		path := filepath.Join(secrets, "nats.conf")
		if err := os.WriteFile(path, []byte(readFile(t, filepath.Join(projectRoot, "docs/deploy/nats.conf"))), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(secrets, "nats-private.conf"), filepath.Join(secrets, "private.conf")); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		o, err := natsserver.ProcessConfigFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if o.ServerName != name || !o.JetStream || o.Cluster.Name == "" || o.MaxPayload < 8<<20 {
			t.Errorf("%s: %+v", name, o)
		}
		for _, route := range o.Routes {
			if password, _ := route.User.Password(); !slices.Contains(members(project, "stores"), route.Hostname()) || password != o.Cluster.Password {
				t.Errorf("%s has a route to %s", name, route.Host)
			}
		}
		if len(o.Routes) != 3 || len(o.Users) != 1 || o.Users[0].Account.Name == natsserver.DEFAULT_GLOBAL_ACCOUNT {
			t.Errorf("%s has the routes %v and the users %v", name, o.Routes, o.Users)
		}
		if !strings.Contains(readFile(t, filepath.Join(secrets, "daybook.yaml")), "nats://daybook:"+o.Users[0].Password+"@"+name+":4222") || o.Port != 4222 {
			t.Errorf("%s is not what the nodes connect to", name)
		}
		if probe := strings.Join(service.HealthCheck.Test, " "); !strings.Contains(probe, net.JoinHostPort(o.HTTPHost, "8222")) || o.HTTPPort != 8222 {
			t.Errorf("%s is asked for its health by %s", name, probe)
		}
	}
}

var (
	balanced = regexp.MustCompile(`(?m)^\s*server (\S+) (\S+)$`)
	binding  = regexp.MustCompile(`(?m)^\s*bind :(\d+)$`)
	backend  = regexp.MustCompile(`(?m)^\s*(?:use_backend|default_backend|backend) (\S+)`)
)

// TestTheBalancerKnowsTheNodes compares its configuration with the services.
func TestTheBalancerKnowsTheNodes(t *testing.T) {
	project := composed(t)
	config := readFile(t, filepath.Join(projectRoot, "docs/deploy/haproxy.cfg"))
	servers := map[string]int{}
	for _, match := range balanced.FindAllStringSubmatch(config, -1) {
		node, ok := nodes(project)[match[1]]
		if !ok || *node.Environment["DAYBOOK_LISTEN"] != match[2] {
			t.Errorf("%s at %s is no node", match[1], match[2])
		}
		servers[match[1]]++
	}
	for name := range nodes(project) {
		if servers[name] != 2 {
			t.Errorf("%s is in %d backends of 2", name, servers[name])
		}
	}
	names := map[string]int{}
	for _, match := range backend.FindAllStringSubmatch(config, -1) {
		names[match[1]]++
	}
	for name, uses := range names {
		if uses != 2 { // where it is used, and where it is defined
			t.Errorf("the backend %s is named %d times", name, uses)
		}
	}
	bound := binding.FindStringSubmatch(config)
	if port := project.Services["balancer"].Ports[0]; bound == nil || bound[1] != "8080" || port.Target != 8080 {
		t.Errorf("it binds %v, and port %d is published", bound, port.Target)
	}
}

// TestPrometheusScrapesTheNodes compares its configuration, and the one of Grafana, with the services.
func TestPrometheusScrapesTheNodes(t *testing.T) {
	project := composed(t)
	var config struct {
		RuleFiles []string `yaml:"rule_files"`
		Scrapes   []struct {
			Job    string `yaml:"job_name"`
			Static []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(projectRoot, "docs/deploy/prometheus.yml"))), &config); err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, scrape := range config.Scrapes {
		if scrape.Job == "daybook" {
			targets = scrape.Static[0].Targets
		}
	}
	var want []string
	for name, node := range nodes(project) {
		_, port, _ := net.SplitHostPort(*node.Environment["DAYBOOK_LISTEN"])
		want = append(want, net.JoinHostPort(name, port))
	}
	if slices.Sort(want); !slices.Equal(targets, want) {
		t.Errorf("scraped are %v, want %v", targets, want)
	}
	for _, file := range config.RuleFiles {
		if !slices.ContainsFunc(project.Services["prometheus"].Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Target == "/etc/prometheus/"+file && filepath.Base(v.Source) == file
		}) {
			t.Errorf("the rules %s are not mounted", file)
		}
	}
	var sources struct {
		Datasources []struct{ UID, URL string }
	}
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(projectRoot, "docs/deploy/grafana/provisioning/datasources/prometheus.yml"))), &sources); err != nil {
		t.Fatal(err)
	}
	dashboard := readFile(t, filepath.Join(projectRoot, "docs/deploy/grafana/dashboards/daybook.json"))
	if !json.Valid([]byte(dashboard)) || !strings.Contains(dashboard, `"uid": "`+sources.Datasources[0].UID+`"`) {
		t.Errorf("the dashboard does not use the source of data %s", sources.Datasources[0].UID)
	}
	if u, err := url.Parse(sources.Datasources[0].URL); err != nil || u.Hostname() != "prometheus" || u.Port() != "9090" {
		t.Errorf("Grafana asks %s, %v", sources.Datasources[0].URL, err)
	}
	providers := readFile(t, filepath.Join(projectRoot, "docs/deploy/grafana/provisioning/dashboards/daybook.yml"))
	if !slices.ContainsFunc(project.Services["grafana"].Volumes, func(v types.ServiceVolumeConfig) bool {
		return strings.Contains(providers, "path: "+v.Target+"\n") && filepath.Base(v.Source) == "dashboards"
	}) {
		t.Error("the dashboards are not where Grafana looks for them")
	}
	if strings.Contains(dashboard, "localhost") {
		t.Error("the dashboard names this machine")
	}
}
