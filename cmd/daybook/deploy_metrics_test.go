package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"

	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/client"
)

// TestMetricsThatAreWatchedExist asks a running node, on the stores that docker-compose.yml has, for every metric and label that
// the alerts and the dashboard name.
func TestMetricsThatAreWatchedExist(t *testing.T) {
	log := memstore.New()
	defer log.Close()
	address, stop := eventStoreDB(t, log, "127.0.0.1:0")
	defer stop()
	s := newSite(t)
	s.store = "esdb://" + address + "?tls=false"
	node := s.node("a")
	if _, err := node.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	s.posted(node, node, 1)
	_, text := get(t.Context(), t, node.BaseURL+"/metrics")
	reader := expfmt.NewTextParser(model.UTF8Validation)
	exposed, err := reader.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	expressions := append(alertExpressions(t), dashboardExpressions(t)...)
	if len(expressions) < 30 {
		t.Fatalf("only %d expressions were found", len(expressions))
	}
	for _, expression := range expressions {
		watched, err := parser.ParseExpr(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		parser.Inspect(watched, func(n parser.Node, _ []parser.Node) error {
			if selector, ok := n.(*parser.VectorSelector); ok {
				if fault := lacking(exposed, selector); fault != "" {
					t.Errorf("%s: %s", expression, fault)
				}
			}
			return nil
		})
	}
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
}

// lacking says what a selector names that is not exposed.
func lacking(exposed map[string]*dto.MetricFamily, selector *parser.VectorSelector) string {
	if selector.Name == "up" { // Prometheus's own
		return ""
	}
	family, ok := exposed[selector.Name]
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, cut := strings.CutSuffix(selector.Name, suffix); cut && !ok {
			family, ok = exposed[base]
			ok = ok && family.GetType() == dto.MetricType_HISTOGRAM
		}
	}
	if !ok {
		return "nobody exposes " + selector.Name
	}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == model.MetricNameLabel || matcher.Name == "job" || matcher.Name == "instance" { // of the scraping
			continue
		}
		if !slices.ContainsFunc(family.GetMetric(), func(m *dto.Metric) bool {
			return slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool {
				return l.GetName() == matcher.Name && matcher.Matches(l.GetValue())
			})
		}) {
			return "nothing matches " + matcher.String() + " of " + selector.Name
		}
	}
	return ""
}

func alertExpressions(t *testing.T) (all []string) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(projectRoot, "docs/deploy/alerts.yml"))), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || rule.Annotations["summary"] == "" {
				t.Errorf("a rule says nothing: %+v", rule)
			}
			all = append(all, rule.Expr)
		}
	}
	return all
}

func dashboardExpressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join(projectRoot, "docs/deploy/grafana/dashboards/daybook.json"))), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}
