package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// What Grafana puts in before it asks Prometheus.
var variables = strings.NewReplacer(
	"$__rate_interval", "5m", "$__interval", "1m", "$__range", "1h",
	"$platform", "x", "$namespace", "x", "$customer", "x",
)

// selection is one selector of an expression: a metric, and what is asked of its labels.
type selection struct {
	Metric string            `json:"metric"`
	Labels map[string]string `json:"labels"`
}

func expressions(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var expression string
		if err := json.Unmarshal(lines.Bytes(), &expression); err != nil {
			return err
		}
		parsed, err := parser.ParseExpr(variables.Replace(expression))
		if err != nil {
			return fmt.Errorf("%s: %w", expression, err)
		}
		found := []selection{}
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			if selector, ok := node.(*parser.VectorSelector); ok {
				found = append(found, selectionOf(selector))
			}
			return nil
		})
		line, err := json.Marshal(found)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(line))
	}
	return lines.Err()
}

func selectionOf(selector *parser.VectorSelector) selection {
	made := selection{Metric: selector.Name, Labels: map[string]string{}}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name != labels.MetricName {
			made.Labels[matcher.Name] = matcher.Value
		}
	}
	return made
}
