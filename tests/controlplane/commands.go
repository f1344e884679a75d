package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func up(dir string) error {
	dir, release, err := prepare(dir)
	if err != nil {
		return err
	}
	defer release()
	if err := start(context.Background(), dir, false); err != nil {
		return fmt.Errorf("%w\nWhat did start keeps running: repeat `up` when the cause is gone, or end it with `down`.", err)
	}
	say("ready: export KUBECONFIG=%s", filepath.Join(dir, "kubeconfig"))
	return nil
}

func down(dir string, del bool) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		say("nothing to stop: %s does not exist", dir)
		return nil
	}
	dir, release, err := prepare(dir)
	if err != nil {
		return err
	}
	defer release()
	stopped, err := stop(dir)
	if err != nil {
		return err
	}
	if stopped {
		say("stopped")
	} else {
		say("nothing was running in %s", dir)
	}
	if del {
		say("deleted %s", dir)
		return os.RemoveAll(dir)
	}
	return nil
}

// execute runs argv against a control plane of its own and returns argv's exit
// code. Whatever happens, the control plane ends with it.
func execute(dir string, argv []string, del bool) (code int, err error) {
	dir, release, err := prepare(dir)
	if err != nil {
		return 1, err
	}
	defer release()
	for _, component := range startOrder {
		if runningPID(dir, component) != 0 {
			return 1, fmt.Errorf("a control plane started by `up` runs in %s: end it with `down`, or choose another --dir", dir)
		}
	}
	// The kernel sends a child's parent-death signal when the thread that
	// started the child ends, so all start from one that lasts.
	runtime.LockOSThread()
	signals := make(chan os.Signal, 8)
	caught := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	signal.Notify(signals, caught...)
	ctx, cancel := signal.NotifyContext(context.Background(), caught...)
	defer cancel()
	defer func() {
		_, endErr := stop(dir)
		if del && endErr == nil {
			endErr = os.RemoveAll(dir)
		}
		if endErr != nil {
			code, err = max(code, 1), errors.Join(err, endErr)
		}
	}()
	if err := start(ctx, dir, true); err != nil {
		if ctx.Err() != nil {
			return 130, errors.New("interrupted")
		}
		del = false // the logs tell why
		return 1, err
	}
	cancel()
	return runCommand(dir, argv, signals)
}

func runCommand(dir string, argv []string, signals <-chan os.Signal) (int, error) {
	// With a terminal, the command stays in this process's group so that it may
	// read from it, and gets the terminal's signals at first hand. Without one,
	// it gets a group of its own, for the signals to reach all it starts.
	terminal := term.IsTerminal(int(os.Stdin.Fd()))
	path := filepath.Join(dir, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	if err := os.Setenv("PATH", path); err != nil { // for finding the command, too
		return 1, err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(dir, "kubeconfig"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !terminal, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return 127, fmt.Errorf("cannot run the command: %w", err)
	}
	target := cmd.Process.Pid
	if !terminal {
		target = -target
		defer func() { _ = syscall.Kill(target, syscall.SIGKILL) }() // what the command left behind
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if !terminal || s != syscall.SIGINT {
				_ = syscall.Kill(target, s.(syscall.Signal))
			}
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, err
			}
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
				return 128 + int(status.Signal()), nil
			}
			return cmd.ProcessState.ExitCode(), nil
		}
	}
}

// prepare makes and locks the directory, and returns it with symbolic links
// resolved: processes are recognised by it. It refuses a directory of others:
// a mistaken --dir with --delete must not cost anything.
func prepare(dir string) (real string, release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, err
	}
	if real, err = filepath.EvalSymlinks(dir); err != nil {
		return "", nil, err
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return "", nil, err
	}
	isLock := func(entry fs.DirEntry) bool { return entry.Name() == lockFile }
	if len(entries) > 0 && !slices.ContainsFunc(entries, isLock) {
		return "", nil, fmt.Errorf("%s holds other things than a control plane: give --dir a new or empty directory", real)
	}
	release, err = lock(real)
	return real, release, err
}

// start starts what does not run in dir and waits until all of it is usable.
func start(ctx context.Context, dir string, owned bool) error {
	begin := time.Now()
	if err := errors.Join(os.Chmod(dir, 0o700), ensurePKI(dir), ensureKubectl(dir)); err != nil {
		return err
	}
	if runningPID(dir, "apiserver") == 0 {
		port, err := ensurePort(dir)
		if err != nil {
			return err
		}
		if err := ensureKubeconfig(dir, port); err != nil {
			return err
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ready := map[string]func(context.Context) error{
		"etcd": func(context.Context) error {
			_, err := os.Stat(filepath.Join(dir, etcdSocket))
			return err
		},
		"apiserver": func(ctx context.Context) error {
			if _, err := client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
				return err
			}
			_, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
			return err
		},
		// The manager makes this account; pods need it.
		"controller-manager": func(ctx context.Context) error {
			_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
			return err
		},
	}
	for _, component := range startOrder {
		verb := "runs already"
		if runningPID(dir, component) == 0 {
			verb = "started"
			if component == "etcd" {
				// A killed etcd leaves its socket, which would look ready.
				if err := os.Remove(filepath.Join(dir, etcdSocket)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			if err := spawn(dir, component, owned); err != nil {
				return fmt.Errorf("cannot start %s: %w", component, err)
			}
		}
		if err := waitFor(ctx, dir, component, ready[component]); err != nil {
			return err
		}
		say("%s %s (process %d, %.1f s)", component, verb, runningPID(dir, component), time.Since(begin).Seconds())
	}
	return nil
}

// ensureKubectl links dir/bin/kubectl to this binary.
func ensureKubectl(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	link := filepath.Join(dir, "bin", "kubectl")
	if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(self, link)
}
