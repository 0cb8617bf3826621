// A buildpack for tests: bin/detect and bin/build in one static program, as the product's own, but of few lines. It
// carries Node to the image without copying it again when nothing changed, runs build.js when the plan is a built
// static one, and misbehaves when the source has a file that says so.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
)

func main() {
	log.SetFlags(0)
	if program, _ := contract.StartedAs(os.Args[0]); program == contract.Detect {
		return
	}
	misbehave()
	p, err := contract.ReadPlan()
	check(err)
	check(os.WriteFile(filepath.Join(contract.CacheDir, "seen"), []byte("yes"), 0o600))
	layers := os.Getenv("CNB_LAYERS_DIR")
	fmt.Println("\x1b[32msecret is", len(os.Getenv("SECRET")), "long\x1b[0m")
	for _, r := range p.Runtimes {
		if r.Name != "node" {
			continue
		}
		node := filepath.Join(contract.RuntimeDir(contract.RuntimesDir, r.Name, r.Version), "bin", "node")
		layer := filepath.Join(layers, "0-node")
		old, _ := os.ReadFile(layer + ".toml")
		if strings.Contains(string(old), `version = "`+r.Version+`"`) {
			fmt.Println("using node again")
		} else {
			fmt.Println("copying node", r.Version)
			copyFile(node, filepath.Join(layer, "bin", "node"))
		}
		check(os.WriteFile(layer+".toml", fmt.Appendf(nil, "[types]\nlaunch = true\n[metadata]\nversion = %q\n", r.Version), 0o644))
		if p.Static != nil {
			c := exec.Command(node, "build.js")
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			check(c.Run())
		}
	}
	launch := "[[processes]]\ntype = \"web\"\ncommand = [\"node\", \"server.js\"]\ndefault = true\n"
	check(os.WriteFile(filepath.Join(layers, "launch.toml"), []byte(launch), 0o644))
}

func misbehave() {
	if _, err := os.Stat("fail"); err == nil {
		fmt.Println("npm error code E404")
		check(contract.Record{
			Kind:    contract.Failure,
			Message: `npm found no package "nope"`,
			Hint:    "correct its name in package.json",
		}.Write(os.Stdout))
		os.Exit(1)
	}
	if _, err := os.Stat("hog"); err == nil {
		var hold [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := range b {
				b[i] = byte(i)
			}
			hold = append(hold, b)
		}
	}
	if _, err := os.Stat("sleep"); err == nil {
		fmt.Println("sleeping")
		time.Sleep(time.Hour)
	}
}

func copyFile(from, to string) {
	check(os.MkdirAll(filepath.Dir(to), 0o755))
	in, err := os.Open(from)
	check(err)
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	check(err)
	_, err = io.Copy(out, in)
	check(err)
	check(out.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
