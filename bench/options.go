package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	Runs     int           `json:"runs"`
	Only     []string      `json:"only,omitempty"`
	Install  bool          `json:"install"`
	Settle   time.Duration `json:"settle_ns"` // between the last deploy and the measurement of what is idle
	Idle     time.Duration `json:"idle_ns"`   // how long is measured then
	Apps     int           `json:"apps"`      // of the installation whose pages are measured
	Open     int           `json:"open"`      // pages of it
	BaseTree string        `json:"base_tree,omitempty"`
	Runtimes string        `json:"-"` // directory of downloaded languages that is kept between runs; "" for none
	JSON     bool          `json:"-"`
}

// scenario is a group of measurements that belong together. What it needs it makes, or finds from the one before.
type scenario struct {
	name, about string
	run         func(*session, context.Context) ([]row, error)
}

func scenarios() []scenario {
	return []scenario{
		{"push", "one-line changes of a small Node app", (*session).push},
		{"rollback", "back to the version before", (*session).rollback},
		{"edge", "the same app through the edge and directly", (*session).edge},
		{"memory", "control and edge with one app, idle", (*session).memory},
		{"static", "the same with 50 static apps", (*session).static},
		{"repository", "push and clone of a 200 MB repository", (*session).repository},
		{"pages", "the dashboard with many apps, and open pages", (*session).pages},
		{"install", "install.sh --demo until the demo answers", (*session).install},
	}
}

func (o options) chosen() []scenario {
	return slices.DeleteFunc(scenarios(), func(s scenario) bool { return len(o.Only) > 0 && !slices.Contains(o.Only, s.name) })
}

func parse(args []string, usage io.Writer) (options, error) {
	o := options{}
	var only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.IntVar(&o.Runs, "runs", 5, "how often each thing is measured; the table shows medians")
	f.StringVar(&only, "only", "", "measure only these, with commas between: "+strings.Join(names(), ", "))
	f.BoolVar(&o.Install, "install", false, "also run install.sh --demo, twice; needs root")
	f.DurationVar(&o.Settle, "settle", time.Minute, "wait after the last deploy before what is idle is measured")
	f.DurationVar(&o.Idle, "idle", time.Minute, "how long what is idle is measured")
	f.IntVar(&o.Apps, "apps", 1000, "how many apps the installation has whose pages are measured")
	f.IntVar(&o.Open, "open", 50, "how many of its pages are open")
	f.StringVar(&o.BaseTree, "base-tree", "", "directory that debootstrap made (default: the tests' cache, when there is one)")
	f.BoolVar(&o.JSON, "json", false, "print JSON instead of a table")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("there is no argument %q: flags only", f.Arg(0))
	}
	if only != "" {
		o.Only = strings.Split(only, ",")
	}
	o.Install = o.Install || slices.Contains(o.Only, "install")
	o.findCache()
	return o, o.check()
}

func (o options) check() error {
	for _, n := range o.Only {
		if !slices.Contains(names(), n) {
			return fmt.Errorf("there is no %q to measure: choose from %s", n, strings.Join(names(), ", "))
		}
	}
	if o.Runs < 1 || o.Runs > 1000 {
		return errors.New("--runs needs a number from 1 to 1000")
	}
	if o.Settle < 0 || o.Idle < time.Second {
		return errors.New("--settle cannot be negative, and --idle needs a second at least")
	}
	if o.Apps < 1 || o.Apps > maxSeeded {
		return fmt.Errorf("--apps needs a number from 1 to %d: there are no more networks for them", maxSeeded)
	}
	if o.Open < 2 || o.Open > 500 {
		return errors.New("--open needs a number from 2 to 500")
	}
	return nil
}

// findCache uses what test.sh keeps: a Debian tree and downloaded languages.
func (o *options) findCache() {
	dir := os.Getenv("CLOUDSANIA_TEST_CACHE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return
		}
		dir = filepath.Join(cache, "cloudsania-test")
	}
	if exists(dir) {
		o.Runtimes = filepath.Join(dir, "runtimes")
	}
	if tree := filepath.Join(dir, "tree"); o.BaseTree == "" && exists(filepath.Join(tree, "etc", "debian_version")) {
		o.BaseTree = tree
	}
}

func names() []string {
	var list []string
	for _, s := range scenarios() {
		list = append(list, s.name)
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
