// Command judge holds what we ship for Prometheus, Grafana and Argo CD against their own parsers.
//
//	judge expressions     PromQL expressions from standard input, one JSON string a line; prints what each selects, as JSON
//	judge dashboard FILE  a Grafana dashboard against Grafana's own schema; prints its expressions, one JSON string a line
//	judge health LUA      a resource in JSON from standard input; prints what an Argo CD health check makes of it, as JSON
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "expressions":
		return expressions(os.Stdin, os.Stdout)
	case len(arguments) == 2 && arguments[0] == "dashboard":
		return dashboardFile(arguments[1], os.Stdout)
	case len(arguments) == 2 && arguments[0] == "health":
		return health(arguments[1], os.Stdin, os.Stdout)
	}
	return fmt.Errorf("one of: expressions, dashboard FILE, health LUA")
}
