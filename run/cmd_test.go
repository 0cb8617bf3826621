package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/paas"
)

func TestShellsAreRefused(t *testing.T) {
	link := filepath.Join(t.TempDir(), "innocent")
	if err := os.Symlink("/bin/sh", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "env", "xargs", "/bin/sh", "/usr/bin/bash", "/usr/bin/env", "/opt/x/bash5.2", "/bin/rbash", link} {
		for how, err := range map[string]error{
			"Run":    Run(t.Context(), Cmd{Path: path, Args: []string{"-c", "true"}}),
			"Start":  second(Start(t.Context(), Cmd{Path: path})),
			"Output": second(Output(t.Context(), Cmd{Path: path})),
			"Detach": second(Detach(Cmd{Path: path})),
		} {
			if err == nil || !strings.Contains(err.Error(), "it is a shell") {
				t.Errorf("%s of %q: %v", how, path, err)
			}
		}
	}
	if _, err := Output(t.Context(), Cmd{Path: "/usr/bin/sha256sum", Stdin: strings.NewReader("")}); err != nil {
		t.Errorf("a program that merely begins like a shell: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestLook(t *testing.T) {
	if p, err := Look("true"); err != nil || p != "/usr/bin/true" && p != "/bin/true" {
		t.Errorf("Look(true) = %q, %v", p, err)
	}
	_, err := Look("no-such-program")
	if !paas.IsKind(err, paas.Unavailable) || !strings.Contains(paas.Public(err).Hint, "apt-get install no-such-program") {
		t.Errorf("a missing program: %v", err)
	}
	for _, name := range []string{"", "../bin/true", "bin/true"} {
		if _, err := Look(name); err == nil {
			t.Errorf("Look(%q) is accepted", name)
		}
	}
	if err := Run(t.Context(), Cmd{Path: "relative/true"}); err == nil {
		t.Error("a relative path is accepted")
	}
}

func TestEnvironmentIsOnlyWhatIsGiven(t *testing.T) {
	t.Setenv("SECRET", "must not leak")
	out, err := Output(t.Context(), Cmd{Path: "printenv", Env: []string{"A=1"}})
	if want := "A=1\nPATH=" + searchPath + "\nLANG=C.UTF-8\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
	out, err = Output(t.Context(), Cmd{Path: "printenv", Args: []string{"PATH"}, Env: []string{"PATH=/mine"}})
	if err != nil || string(out) != "/mine\n" {
		t.Errorf("PATH is %q, %v", out, err)
	}
}

func TestNothingIsExpanded(t *testing.T) {
	arg := "$(id) `id` ; | > * ~ 'x \"y\nz"
	out, err := Output(t.Context(), Cmd{Path: "printf", Args: []string{"%s", arg}})
	if err != nil || string(out) != arg {
		t.Errorf("got %q, %v", out, err)
	}
	if err := Run(t.Context(), Cmd{Path: "true", Args: []string{"a\x00b"}}); err == nil {
		t.Error("a null byte is accepted")
	}
}

func TestExitError(t *testing.T) {
	dir := t.TempDir()
	err := Run(t.Context(), Cmd{Path: "ls", Args: []string{"missing"}, Dir: dir})
	var e *ExitError
	if !errors.As(err, &e) || e.Code != 2 || e.Signal != 0 || !strings.Contains(e.Stderr, "No such file") || !strings.HasPrefix(err.Error(), "ls: exit status 2: ls: ") {
		t.Errorf("got %v, %+v", err, e)
	}
	p, err := Start(t.Context(), Cmd{Path: "sleep", Args: []string{"1000"}})
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	err = p.Wait()
	if !errors.As(err, &e) || e.Signal != syscall.SIGKILL || e.Code != -1 {
		t.Errorf("killed: %v", err)
	}
	p.Kill() // after the end it does nothing
}

func TestStderrTail(t *testing.T) {
	var all bytes.Buffer
	err := Run(t.Context(), Cmd{Path: "dd", Args: []string{"if=/dev/zero", "of=/dev/stderr", "bs=1k", "count=64", "status=none"}, Stderr: &all})
	if err != nil || all.Len() != 64<<10 {
		t.Errorf("%d bytes, %v", all.Len(), err)
	}
	var long tail
	for i := range 5000 {
		_, _ = long.Write([]byte(strconv.Itoa(i) + "\n"))
	}
	if s := long.String(); len(s) != maxTail || !strings.HasSuffix(s, "4998\n4999\n") {
		t.Errorf("the tail has %d bytes and ends with %q", len(s), s[len(s)-20:])
	}
}

func TestContextEndsTheWholeGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c := play(t, "parent")
	c.Stdout = w
	p, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	pid := readPID(t, r)
	cancel()
	if err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	gone(t, pid)
	if _, err := Start(ctx, Cmd{Path: "true"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a start after the end: %v", err)
	}
}

func TestWhatAProgramLeavesBehindEndsToo(t *testing.T) {
	begin := time.Now()
	out, err := Output(t.Context(), play(t, "careless"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	if d := time.Since(begin); d > pipeGrace {
		t.Errorf("took %v: waited for the pipe that the child held", d)
	}
}

func TestTimeout(t *testing.T) {
	begin := time.Now()
	err := Run(t.Context(), Cmd{Path: "sleep", Args: []string{"1000"}, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}

func TestSIGTERMIsNotTheLastWord(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	c := play(t, "stubborn")
	c.Stdout = w
	p, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.Read(make([]byte, 10))
	begin := time.Now()
	cancel()
	if err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d < termGrace || d > termGrace+2*time.Second {
		t.Errorf("ended after %v", d)
	}
}

func TestOutputLimit(t *testing.T) {
	begin := time.Now()
	out, err := Output(t.Context(), Cmd{Path: "yes", MaxOutput: 1000})
	if !paas.IsKind(err, paas.TooLarge) || len(out) > 1000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if time.Since(begin) > 2*time.Second {
		t.Errorf("took %v", time.Since(begin))
	}
	// All written before anybody reads: the limit holds although the program has ended well.
	if _, err := Output(t.Context(), Cmd{Path: "printf", Args: []string{"12345"}, MaxOutput: 4}); !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("one byte too many: %v", err)
	}
	if out, err := Output(t.Context(), Cmd{Path: "printf", Args: []string{"1234"}, MaxOutput: 4}); err != nil || string(out) != "1234" {
		t.Errorf("exactly enough: %q, %v", out, err)
	}
}

func TestStdin(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 1<<20)
	out, err := Output(t.Context(), Cmd{Path: "cat", Stdin: bytes.NewReader(big)})
	if err != nil || !bytes.Equal(out, big) {
		t.Errorf("%d of %d bytes, %v", len(out), len(big), err)
	}
	if err := Run(t.Context(), Cmd{Path: "head", Args: []string{"-c", "1"}, Stdin: bytes.NewReader(big)}); err != nil {
		t.Errorf("a program that does not want all: %v", err)
	}
	if err := Run(t.Context(), Cmd{Path: "cat", Stdin: io.MultiReader(strings.NewReader("begin"), iotest.ErrReader(errors.New("upload broke")))}); err == nil || !strings.Contains(err.Error(), "upload broke") {
		t.Errorf("a broken reader: %v", err)
	}
}

func TestStalledStdinDoesNotHoldUp(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	begin := time.Now()
	if err := Run(t.Context(), Cmd{Path: "true", Stdin: r}); err != nil {
		t.Error(err)
	}
	if d := time.Since(begin); d > pipeGrace+time.Second {
		t.Errorf("took %v", d)
	}
}

func TestExtraFilesNiceAndUser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("third file"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := play(t, "third")
	c.ExtraFiles = []*os.File{f}
	if out, err := Output(t.Context(), c); err != nil || string(out) != "third file" {
		t.Errorf("got %q, %v", out, err)
	}
	p, err := Start(t.Context(), Cmd{Path: "sleep", Args: []string{"1000"}, Nice: 7})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, p.PID()); err != nil || 20-n != 7 {
		t.Errorf("niceness %d, %v", 20-n, err)
	}
	p.Kill()
	_ = p.Wait()
	if os.Geteuid() != 0 {
		return
	}
	out, err := Output(t.Context(), Cmd{Path: "id", User: &Credential{UID: 12345, GID: 12346}})
	if err != nil || string(out) != "uid=12345 gid=12346 groups=12346\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestDetachOutlivesUs(t *testing.T) {
	out, err := Output(t.Context(), play(t, "detacher"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	if !alive(pid) {
		t.Fatal("it ended with the one who started it")
	}
	if sid, err := unix.Getsid(pid); err != nil || sid != pid {
		t.Errorf("session %d, %v; want its own, %d", sid, err, pid)
	}
}

func TestDetachRefusesPipes(t *testing.T) {
	for _, c := range []Cmd{{Stdout: io.Discard}, {Stderr: io.Discard}, {Stdin: strings.NewReader("")}, {Timeout: 1}, {Limits: &Limits{Name: "x"}}} {
		c.Path = "true"
		if _, err := Detach(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestDetachedLeavesNoZombie(t *testing.T) {
	pid, err := Detach(Cmd{Path: "true"})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("its process id stays taken")
		}
	}
}

func readPID(t *testing.T, r io.Reader) int {
	t.Helper()
	b := make([]byte, 20)
	n, err := r.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
