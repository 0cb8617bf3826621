package cli

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/paas"
)

// execute runs one command line.
func execute(args ...string) error {
	root := commands(Build{Version: "test"})
	root.SetArgs(args)
	root.SetOut(io.Discard)
	return root.Execute()
}

func TestDeployTakesOneSource(t *testing.T) {
	t.Setenv("CLOUDSANIA_URL", "http://127.0.0.1:1") // a port that no server listens on
	for _, line := range []string{
		"deploy shop",
		"deploy shop --dir . --zip x.zip",
		"deploy shop --git https://example.com/x --again",
		"deploy shop --branch main",
	} {
		if err := execute(strings.Fields(line)...); !paas.IsKind(err, paas.Invalid) {
			t.Errorf("%s: %v, want an error of kind invalid", line, err)
		}
	}
}

func TestWrongCommandLinesAreInvalid(t *testing.T) {
	for _, line := range []string{
		"apps create", "apps rename shop", "apps show shop --nonsense", "logs", "rollback shop vX", "env shop set KEY", "env shop drop KEY",
	} {
		if err := execute(strings.Fields(line)...); err == nil || report(err) > 2 {
			t.Errorf("%s: %v, want it refused for what it says", line, err)
		}
	}
}

// The documentation lists every command that a person may call.
func TestCommandsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	serverOnly := regexp.MustCompile(`^cloudsania (serve|edge|units|handover|remove)$`)
	var each func(cmd *cobra.Command)
	each = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			each(sub)
		}
		name := strings.TrimPrefix(cmd.CommandPath(), "cloudsania ")
		if !cmd.Runnable() || serverOnly.MatchString(cmd.CommandPath()) {
			return
		}
		if !strings.Contains(string(text), "`"+name) {
			t.Errorf("docs/cli.md does not have %q", name)
		}
	}
	each(commands(Build{}))
}
