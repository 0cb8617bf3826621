package meter

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const writerEnv = "CLOUDSANIA_TEST_METER_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		addForEver(dir)
	}
	os.Exit(m.Run())
}

// addForEver is a process that is killed: it prints each number only once its sample was acknowledged.
func addForEver(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	m, err := Open(filepath.Join(dir, "usage"), Options{Ledger: &ledger{}})
	fail(err)
	old, err := m.Of(shop, time.Time{})
	fail(err)
	for n := len(old) + 1; ; n++ {
		u := paas.Usage{Instance: "ins_1", App: shop.App, Environment: shop.Environment, Time: time.Now(), Requests: int64(n)}
		fail(m.Add([]paas.Usage{u}))
		fmt.Println(n)
	}
}

// kill -9 at any moment: what was acknowledged is there, whole and in order.
func TestKilledWhileAdding(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for round := range 8 {
		acknowledged = max(acknowledged, killWriter(t, dir))
		m, err := Open(filepath.Join(dir, "usage"), Options{Ledger: &ledger{}})
		must(t, err)
		all, err := m.Of(shop, time.Time{})
		must(t, err)
		if len(all) < acknowledged || len(all) > acknowledged+1 {
			t.Fatalf("round %d: acknowledged %d, have %d", round, acknowledged, len(all))
		}
		for i, u := range all {
			if u.Requests != int64(i+1) {
				t.Fatalf("round %d: sample %d is number %d", round, i+1, u.Requests)
			}
		}
	}
	if acknowledged < 20 {
		t.Fatalf("only %d samples: the trial shows nothing", acknowledged)
	}
}

// killWriter lets a writer work for a moment and returns the last number that it acknowledged.
func killWriter(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	last, lines := 0, bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the writer says %q", lines.Text())
		}
		if last == 0 { // it writes now
			time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		last = n
	}
	_ = cmd.Wait()
	return last
}
