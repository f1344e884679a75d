package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func dashboardFile(path string, out io.Writer) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	plugins.RegisterDefaultPlugins()
	var judged dashboard.Dashboard
	if err := judged.UnmarshalJSONStrict(data); found(err) {
		return fmt.Errorf("schema: %w", err)
	}
	if err := judged.Validate(); found(err) {
		return fmt.Errorf("constraint: %w", err)
	}
	var whole any
	if err := json.Unmarshal(data, &whole); err != nil {
		return err
	}
	return printExpressions(whole, out)
}

// found is false for the list without entries that the library returns as an error.
func found(err error) bool { return err != nil && err.Error() != "" }

// printExpressions prints every `expr` in it, wherever it is.
func printExpressions(value any, out io.Writer) error {
	switch value := value.(type) {
	case map[string]any:
		if expression, ok := value["expr"].(string); ok {
			line, err := json.Marshal(expression)
			if err != nil {
				return err
			}
			fmt.Fprintln(out, string(line))
		}
		for _, inner := range value {
			if err := printExpressions(inner, out); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range value {
			if err := printExpressions(inner, out); err != nil {
				return err
			}
		}
	}
	return nil
}
