// Command controlplane runs a real Kubernetes control plane (etcd, API server,
// controller manager; no nodes) on loopback, for demos and tests. It is one
// binary so that one build gives every part in matching versions, kubectl too.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
)

const usage = `Usage:
  controlplane up   --dir DIR                      start what is not running, in the background; writes DIR/kubeconfig
  controlplane down --dir DIR [--delete]           stop it; --delete removes DIR
  controlplane exec --dir DIR [--delete] -- CMD... run CMD against a control plane that ends with it
  controlplane kubectl ...                         kubectl of the same version
`

func main() {
	if filepath.Base(os.Args[0]) == "kubectl" {
		runKubectl()
		return
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
	}
	os.Exit(code)
}

// run carries out one subcommand and returns the exit code.
func run(args []string) (int, error) {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return 2, nil
	}
	name := args[0]
	if name == "kubectl" {
		os.Args = args
		runKubectl()
		return 0, nil
	}

	flags := flag.NewFlagSet("controlplane "+name, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	dirFlag := flags.String("dir", "", "where the control plane keeps its data, logs and kubeconfig")
	del := flags.Bool("delete", false, "remove the directory after stopping")
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0, nil
	} else if err != nil {
		return 2, nil // the flag package has told why
	}
	if *dirFlag == "" {
		return 2, fmt.Errorf("%s needs --dir DIR", name)
	}
	dir, err := filepath.Abs(*dirFlag)
	if err != nil {
		return 1, err
	}

	switch name {
	case "up":
		err = up(dir)
	case "down":
		err = down(dir, *del)
	case "exec":
		if flags.NArg() == 0 {
			return 2, errors.New("exec needs a command: controlplane exec --dir DIR -- CMD ARG...")
		}
		return execute(dir, flags.Args(), *del)
	default:
		component, known := components[name]
		if !known {
			return 2, fmt.Errorf("no such subcommand: %s\n%s", name, usage)
		}
		return component(dir), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// runKubectl does what kubectl's own main does.
func runKubectl() {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
}
