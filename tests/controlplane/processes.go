package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "controlplane: "+format+"\n", args...)
}

// lockFile also tells a control plane's directory from others.
const lockFile = "controlplane.lock"

// lock keeps other controlplane commands off dir until release is called or
// the process ends.
func lock(dir string) (release func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s is in use by another controlplane command (exec, or an up or down under way): wait for it to end, or choose another --dir", dir)
	}
	return func() { file.Close() }, nil
}

func pidFile(dir, component string) string { return filepath.Join(dir, component+".pid") }
func logFile(dir, component string) string { return filepath.Join(dir, component+".log") }

// commandLine is how a component is started and recognised again.
func commandLine(dir, component string) []string {
	return []string{component, "--dir", dir}
}

// runningPID returns the process id of a component of dir, 0 if it does not
// run. A process id that the system has given to another program since does
// not count, nor does a process that has ended but was not yet waited for.
func runningPID(dir, component string) int {
	data, err := os.ReadFile(pidFile(dir, component))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return 0
	}
	data, err = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return 0
	}
	args := strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
	if !slices.Equal(args[1:], commandLine(dir, component)) {
		return 0
	}
	return pid
}

// spawn starts a component in a process group of its own, so that a Ctrl-C in
// the terminal does not end the parts in an order of chance. It outlives this
// process unless owned.
func spawn(dir, component string, owned bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(logFile(dir, component), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self, commandLine(dir, component)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if owned {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // or it stays a zombie while this process lives
	return os.WriteFile(pidFile(dir, component), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600)
}

// waitFor polls ready until it returns no error, as long as the component runs.
func waitFor(ctx context.Context, dir, component string, ready func(context.Context) error) error {
	const limit = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := ready(ctx)
		switch {
		case err == nil:
			return nil
		case runningPID(dir, component) == 0:
			return fmt.Errorf("%s ended while starting; its log %s closes with:\n%s", component, logFile(dir, component), tail(logFile(dir, component)))
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("%s is not ready after %s (%w): see %s", component, limit, err, logFile(dir, component))
		case ctx.Err() != nil:
			return ctx.Err()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tail returns the last lines of a file, to show in an error.
func tail(path string) string {
	data, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-5):], "\n  ")
}

// stop ends the components of dir in reverse order, each with force if it does
// not end by itself in time. It says whether any was running.
func stop(dir string) (stopped bool, err error) {
	const grace = 20 * time.Second
	for _, component := range slices.Backward(startOrder) {
		pid := runningPID(dir, component)
		if pid != 0 {
			stopped = true
			_ = syscall.Kill(pid, syscall.SIGTERM)
			if !goneWithin(dir, component, grace) {
				say("%s (process %d) ignores SIGTERM for %s: killing it", component, pid, grace)
				_ = syscall.Kill(pid, syscall.SIGKILL)
				if !goneWithin(dir, component, grace) {
					return stopped, fmt.Errorf("%s (process %d) cannot be killed", component, pid)
				}
			}
		}
		if err := os.Remove(pidFile(dir, component)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return stopped, err
		}
	}
	return stopped, nil
}

func goneWithin(dir, component string, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if runningPID(dir, component) == 0 {
			return true
		}
	}
	return false
}
