// Command argocd is what `make test-argocd` needs of Argo CD: its application-controller, its repo-server, and a cache that speaks
// Redis' protocol.
package main

import (
	"fmt"
	"os"

	"github.com/alicebob/miniredis/v2"
	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

func main() {
	program := &cobra.Command{Use: "argocd", SilenceUsage: true}
	program.AddCommand(controller.NewCommand(), reposerver.NewCommand(), &cobra.Command{
		Use:  "cache ADDRESS",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := miniredis.NewMiniRedis().StartAddr(args[0]); err != nil {
				return fmt.Errorf("the cache can't listen on %s: %w", args[0], err)
			}
			select {}
		},
	})
	if program.Execute() != nil {
		os.Exit(1)
	}
}
