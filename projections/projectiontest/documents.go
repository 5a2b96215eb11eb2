package projectiontest

import (
	"encoding/json"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func wireChart(chart ledger.Chart) wire.Chart {
	w := wire.Chart{Undeclared: string(chart.Undeclared), Rules: []wire.Rule{}}
	for _, rule := range chart.Rules {
		r := wire.Rule{Pattern: string(rule.Pattern), AnyCase: rule.AnyCase, Type: string(rule.Type)}
		if rule.Limits.Min != nil {
			s := rule.Limits.Min.String()
			r.MinBalance = &s
		}
		if rule.Limits.Max != nil {
			s := rule.Limits.Max.String()
			r.MaxBalance = &s
		}
		for _, asset := range rule.Assets {
			r.Assets = append(r.Assets, string(asset))
		}
		w.Rules = append(w.Rules, r)
	}
	return w
}

func metadata(m ledger.Metadata) string {
	if m == nil {
		m = ledger.Metadata{}
	}
	return document(m)
}

func document(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return "NOT JSON: " + err.Error()
	}
	return string(encoded)
}
