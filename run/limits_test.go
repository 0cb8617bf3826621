package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hog keeps its input, 200 MB without an end of line, in its own memory; writer makes 300 MB of page cache and next to
// none of its own. A program gets input only when its limits are in force.
func hog() Cmd {
	return Cmd{Path: "grep", Args: []string{"-zc", "x"}, Stdin: io.LimitReader(crosses{}, 200<<20)}
}

type crosses struct{}

func (crosses) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func writer(t *testing.T) Cmd {
	return Cmd{Path: "dd", Args: []string{"if=/dev/zero", "of=" + filepath.Join(t.TempDir(), "big"), "bs=1M", "count=300"}}
}

func cgroups(t *testing.T) bool {
	t.Helper()
	e := openLimiterIn(ownHierarchies(), Limits{Name: "probe", MemoryMB: 64})
	defer e.close()
	return len(e.groups) > 0
}

func TestLimitsOfMemory(t *testing.T) {
	c := hog()
	c.Limits = &Limits{Name: "test", MemoryMB: 64, CPUWeight: 50, PIDs: 50}
	err := Run(t.Context(), c)
	var e *ExitError
	if !errors.As(err, &e) {
		t.Fatalf("200 MB with a limit of 64 MB: %v", err)
	}
	if cgroups(t) && (!e.OOM || !strings.Contains(err.Error(), "more memory than its limit")) {
		t.Errorf("got %v, %+v", err, e)
	}
}

func TestHogAloneIsWell(t *testing.T) {
	if err := Run(t.Context(), hog()); err != nil {
		t.Errorf("without limits: %v", err)
	}
}

func TestLimitsLetsPageCacheBe(t *testing.T) {
	c := writer(t)
	c.Limits = &Limits{Name: "test", MemoryMB: 64}
	if err := Run(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestLimitsOfProcesses(t *testing.T) {
	if !cgroups(t) {
		t.Skip("cgroups are not ours to make here")
	}
	c := play(t, "patient") // Go's own threads are more than two
	c.Stdin = strings.NewReader("go")
	c.Limits = &Limits{Name: "test", PIDs: 2}
	c.Timeout = 10 * time.Second
	var e *ExitError
	if err := Run(t.Context(), c); !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestLimitsEndsWhatLeftTheGroup(t *testing.T) {
	if !cgroups(t) {
		t.Skip("cgroups are not ours to make here")
	}
	c := play(t, "detacher")
	c.Limits = &Limits{Name: "test", MemoryMB: 256}
	out, err := Output(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
}

func TestLimitsIsRemoved(t *testing.T) {
	c := Cmd{Path: "true", Limits: &Limits{Name: "tidy", MemoryMB: 64}}
	if err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Path = "/no/such/program"
	if err := Run(t.Context(), c); err == nil {
		t.Error("a missing program runs")
	}
	for _, h := range ownHierarchies() {
		for _, dir := range append([]string{h.v2}, values(h.controllers)...) {
			if left, _ := filepath.Glob(filepath.Join(dir, fmt.Sprintf("cloudsania-tidy-%d-*", os.Getpid()))); dir != "" && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
}

func values(m map[string]string) (v []string) {
	for x := range maps.Values(m) {
		v = append(v, x)
	}
	return v
}

// Where cgroups cannot be made, as in a hardened unit.
func TestWithoutCgroupsResourceLimitsHold(t *testing.T) {
	e := openLimiterIn([]hierarchy{{v2: "/proc"}, {controllers: map[string]string{"memory": t.TempDir()}}, {}}, Limits{Name: "test", MemoryMB: 64, CPUWeight: 50})
	if len(e.groups) != 0 {
		t.Fatalf("made %v", e.groups)
	}
	for _, tc := range []struct {
		name string
		cmd  Cmd
		ok   bool
	}{{"own memory", hog(), false}, {"page cache", writer(t), true}} {
		p, err := start(tc.cmd, e)
		if err != nil {
			t.Fatal(err)
		}
		p.ctx, p.cancel = t.Context(), func() {}
		p.feed(tc.cmd.Stdin)
		if err := p.Wait(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if e.close() {
		t.Error("an out-of-memory kill is reported that was not counted")
	}
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &lim); err != nil || lim.Cur == 64<<20 {
		t.Errorf("our own limit became %d, %v", lim.Cur, err)
	}
}

// git index-pack maps files and fills page cache with the whole pack; only its own memory may count. In a cgroup and
// with RLIMIT_DATA.
func TestIndexPackOfMoreThanTheLimit(t *testing.T) {
	dir := t.TempDir()
	git := func(in io.Reader, args ...string) []byte {
		t.Helper()
		out, err := Output(t.Context(), Cmd{Path: "git", Args: args, Dir: dir, Env: []string{"HOME=" + dir}, Stdin: in, MaxOutput: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	git(nil, "init", "-q", "--bare", ".")
	var names strings.Builder
	random := rand.NewChaCha8([32]byte{1})
	blob := make([]byte, 1<<20)
	for i := range 80 {
		_, _ = random.Read(blob)
		file := filepath.Join(dir, "blob"+strconv.Itoa(i))
		if err := os.WriteFile(file, blob, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&names, file)
	}
	ids := git(strings.NewReader(names.String()), "-c", "core.compression=0", "hash-object", "-w", "--stdin-paths")
	pack := git(bytes.NewReader(ids), "pack-objects", "-q", "--stdout", "--compression=0", "--window=0")
	if len(pack) < 80<<20 {
		t.Fatalf("a pack of %d bytes", len(pack))
	}
	for _, name := range []string{"cgroup", "resource limits"} {
		into := t.TempDir()
		c := Cmd{Path: "git", Args: []string{"index-pack", "--stdin", "--strict", "--fsck-objects"}, Dir: into, Env: []string{"HOME=" + into}, Stdin: bytes.NewReader(pack), Limits: &Limits{Name: "git", MemoryMB: 40}}
		if err := Run(t.Context(), Cmd{Path: "git", Args: []string{"init", "-q", "--bare", into}, Env: []string{"HOME=" + into}}); err != nil {
			t.Fatal(err)
		}
		if name == "resource limits" {
			c.Limits = nil
		}
		p, err := Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if name == "resource limits" {
			if err := openLimiterIn(nil, Limits{MemoryMB: 40}).admit(p.PID()); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFindHierarchies(t *testing.T) {
	const v1 = `30 29 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 29 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 29 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
33 29 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
21 1 0:20 / /proc rw - proc proc rw
`
	const v2 = "30 29 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	for _, tc := range []struct {
		name, mounts, own string
		want              []hierarchy
	}{
		{"version 1", v1, "5:memory:/a/b\n4:cpu,cpuacct:/\n3:pids:/a\n1:name=systemd:/x\n",
			[]hierarchy{{controllers: map[string]string{"memory": "/sys/fs/cgroup/memory/a/b", "cpu": "/sys/fs/cgroup/cpu,cpuacct", "pids": "/sys/fs/cgroup/pids/a"}}}},
		{"version 1 inside a container", "30 29 0:26 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "5:memory:/docker/c1\n",
			[]hierarchy{{controllers: map[string]string{"memory": "/sys/fs/cgroup/memory"}}}},
		{"another's path that begins alike", "30 29 0:26 /docker/c1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "5:memory:/docker/c12\n",
			[]hierarchy{{controllers: map[string]string{}}}},
		{"version 2, a unit without delegation", v2, "0::/system.slice/cloudsania.service\n",
			[]hierarchy{{v2: "/sys/fs/cgroup/system.slice/cloudsania.service"}, {controllers: map[string]string{}}}},
		{"version 2, delegated with a subgroup", v2, "0::/system.slice/cloudsania.service/control\n",
			[]hierarchy{{v2: "/sys/fs/cgroup/system.slice/cloudsania.service/control"}, {v2: "/sys/fs/cgroup/system.slice/cloudsania.service"}, {controllers: map[string]string{}}}},
		{"version 2, root of a container", v2, "0::/\n", []hierarchy{{v2: "/sys/fs/cgroup"}, {controllers: map[string]string{}}}},
		{"nothing", "garbage - \n - - -\n", "::::\nx\n", []hierarchy{{controllers: map[string]string{}}}},
	} {
		if got := findHierarchies([]byte(tc.mounts), []byte(tc.own)); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

// The version 2 hierarchy beside version 1's has no controllers, but it is real: a process begins its life inside, and
// what leaves its group ends there.
func TestVersion2HoldsFromTheFirstInstruction(t *testing.T) {
	var unified string
	for _, h := range ownHierarchies() {
		if h.v2 != "" && unified == "" {
			unified = h.v2
		}
	}
	group := filepath.Join(unified, fmt.Sprintf("cloudsania-v2test-%d-00000000", os.Getpid()))
	if err := os.Mkdir(group, 0o755); unified == "" || err != nil {
		t.Skipf("no cgroup version 2 to write in: %v", err)
	}
	l := &limiter{groups: []string{group}, v2: true}
	c := play(t, "detacher")
	var out bytes.Buffer
	c.Stdout = &out
	p, err := start(c, l)
	if err != nil {
		l.close()
		t.Fatal(err)
	}
	p.ctx, p.cancel = t.Context(), func() {}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
		t.Error("the cgroup stays")
	}
}

func TestSandboxWithoutClone3(t *testing.T) {
	for _, tc := range []struct {
		err  error
		v2   bool
		want bool
	}{{syscall.ENOSYS, true, true}, {fmt.Errorf("start: %w", syscall.EPERM), true, true}, {syscall.ENOENT, true, false}, {syscall.ENOSYS, false, false}} {
		e := &limiter{v2: tc.v2}
		if got := e.refused(tc.err); got != tc.want || e.v2 != (tc.v2 && !tc.want) {
			t.Errorf("%v: %v, then by %+v", tc.err, got, e)
		}
	}
}

// A directory that looks like cgroup version 2 stands in for the real one, which has no memory controller where version
// 1 has it.
func TestVersion2Files(t *testing.T) {
	parent := t.TempDir()
	if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("cpu memory pids\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []limit{{"memory.max", "67108864", false}, {"memory.swap.max", "0", true}, {"memory.oom.group", "1", true}, {"pids.max", "10", true}, {"cpu.weight", "50", true}}
	c := Limits{Name: "t", MemoryMB: 64, PIDs: 10, CPUWeight: 50}
	if got := v2Limits(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	// No kernel puts the files there: a limit that cannot be set is not enforced.
	if dirs, err := (hierarchy{v2: parent}).open("cloudsania-t-1-00000000", c); err == nil {
		t.Errorf("made %v", dirs)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	group := t.TempDir()
	if err := os.WriteFile(filepath.Join(group, "memory.events"), []byte("low 0\noom 3\noom_kill 2\noom_group_kill 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := oomKills(group); n != 2 {
		t.Errorf("%d kills", n)
	}
}

func TestSweepKnowsTheDead(t *testing.T) {
	parent := t.TempDir()
	dead, err := Start(t.Context(), Cmd{Path: "true"})
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait()
	stale := fmt.Sprintf("cloudsania-git-%d-0123abcd", dead.PID())
	kept := []string{fmt.Sprintf("cloudsania-git-%d-0123abcd", os.Getpid()), "cloudsania-git-x-0123abcd", "user.slice", fmt.Sprintf("cloudsania-git-%d", dead.PID())}
	for _, d := range append(kept, stale) {
		if err := os.Mkdir(filepath.Join(parent, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sweepGroups(parent)
	for _, d := range kept {
		if _, err := os.Stat(filepath.Join(parent, d)); err != nil {
			t.Errorf("%s is gone", d)
		}
	}
	if _, err := os.Stat(filepath.Join(parent, stale)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the stale one stays")
	}
}

func TestLimitsNames(t *testing.T) {
	for _, name := range []string{"", "../x", "a/b", "A", "a--b", "-a", "a\nb"} {
		if err := Run(t.Context(), Cmd{Path: "true", Limits: &Limits{Name: name}}); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
