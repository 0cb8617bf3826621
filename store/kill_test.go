package store

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

const writerEnv = "CLOUDSANIA_TEST_STORE_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

// writeForEver is a process that is killed: it prints each number only once its write was acknowledged.
func writeForEver(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	key, err := LoadKey(filepath.Join(dir, "key"))
	fail(err)
	s, err := Open(Options{Path: filepath.Join(dir, "cloudsania.db"), Key: key})
	fail(err)
	app, err := s.FindApp("shop")
	fail(err)
	target, err := s.Target(app.ID, "")
	fail(err)
	for n := got1(s.AppEnvironment(target)).VarsVersion + 1; ; n++ {
		fail(s.SetVariables(paas.System, target, []paas.Variable{{Name: "N", Value: paas.NewSecret(strconv.Itoa(n))}}, nil))
		fmt.Println(n)
	}
}

func got1[T any](v T, _ error) T { return v }

// kill -9 at any moment: what was acknowledged is there, the chain is whole, and change and event agree.
func TestKilledWhileWriting(t *testing.T) {
	dir := t.TempDir()
	key := got(CreateKey(filepath.Join(dir, "key")))(t)
	o := Options{Path: filepath.Join(dir, "cloudsania.db"), Key: key}
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "shop")
	must(t, s.Close())
	acknowledged := 0
	for round := range 8 {
		if n := killWriter(t, dir); n > 0 {
			acknowledged = n
		}
		s := mustOpen(t, o)
		version := got(s.AppEnvironment(w.target))(t).VarsVersion
		vars := got(s.Variables(w.target))(t)
		if version < acknowledged || version > acknowledged+1 || len(vars) > 0 && vars[0].Value.Reveal() != strconv.Itoa(version) {
			t.Fatalf("round %d: acknowledged %d, have %d", round, acknowledged, version)
		}
		r := got(s.VerifyEvents())(t)
		if !r.OK() {
			t.Fatalf("round %d: %+v", round, r.Breaks)
		}
		changes := 0
		for _, e := range got(s.Events(EventFilter{Subject: w.app.ID, Limit: maxEventsListed}))(t) {
			if e.Action == "variables.changed" {
				changes++
			}
		}
		if version < maxEventsListed-10 && changes != version {
			t.Fatalf("round %d: %d changes and %d events", round, version, changes)
		}
		must(t, s.Check())
		must(t, s.Close())
	}
	if acknowledged < 20 {
		t.Fatalf("only %d writes: the trial shows nothing", acknowledged)
	}
}

// killWriter lets a writer work for a moment and returns the last number that it acknowledged.
func killWriter(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	out := got(cmd.StdoutPipe())(t)
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
