// A git server for `make test-flux` and `make test-argocd`.
module holdfast.dev/tests/gitserver

go 1.24
