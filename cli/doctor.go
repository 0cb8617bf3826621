package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// finding is one thing that doctor looked at.
type finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, warning, problem
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// diagnosis is all of them.
type diagnosis struct {
	api.System
	Findings []finding `json:"findings"`
}

func (c *cli) doctor() *cobra.Command {
	var ready, welcome bool
	cmd := &cobra.Command{Use: "doctor", Short: "Check that everything on this server is well", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			sys, err := control.System(cmd.Context())
			if err != nil || ready {
				return err
			}
			if welcome {
				return c.welcome(cmd.Context(), control, sys)
			}
			d := diagnosis{System: sys, Findings: examine(sys)}
			if err := c.print(d, func(w io.Writer) { showDiagnosis(w, d) }); err != nil {
				return err
			}
			for _, f := range d.Findings {
				if f.State == "problem" {
					return &paas.Error{Kind: paas.Unavailable, Msg: "something on this server needs you", Hint: "the lines above say what"}
				}
			}
			return nil
		}}
	cmd.Flags().BoolVar(&ready, "ready", false, "only tell, by the exit code, whether control answers")
	cmd.Flags().BoolVar(&welcome, "welcome", false, "print the dashboard's address, a claim link where there is no owner yet, and what to do next")
	return cmd
}

const lowDiskBytes = 2 << 30

// examine turns the state of the system into what a person should know.
func examine(s api.System) []finding {
	var out []finding
	add := func(name, state, text, hint string) { out = append(out, finding{name, state, text, hint}) }
	switch {
	case !s.Docker.OK:
		add("docker", "problem", "Docker does not answer: "+s.Docker.Error, "start it: systemctl start docker; apps that run in it are down until then")
	case oldEngine(s.Docker.Version):
		add("docker", "warning", "Docker "+s.Docker.Version+" works, but is known to have holes that later versions closed", "update it when you can")
	default:
		add("docker", "ok", "Docker "+s.Docker.Version, "")
	}
	live := 0
	for _, e := range s.Edges {
		if !e.Draining {
			live++
			add("edge", "ok", fmt.Sprintf("the edge serves (pid %d, table %d)", e.PID, e.Generation), "")
		}
		for host, cert := range e.Certificates {
			if cert.State == "failed" {
				add("certificate", "warning", host+": "+cert.Error, "check that the name points to this server; it is tried again by itself")
			}
		}
	}
	if live == 0 {
		add("edge", "problem", "no edge runs: visitors get no answer", "see logs/edge.log in the data directory, or: journalctl -u cloudsania-edge")
	}
	switch {
	case s.Builder.Error != "":
		add("builder", "problem", s.Builder.Error, s.Builder.Hint)
	case !s.Builder.Ready:
		add("builder", "warning", fmt.Sprintf("builds are being made ready: %s (%d %%)", s.Builder.Message, s.Builder.Percent), "the first deploy waits for it")
	default:
		add("builder", "ok", "ready to build", "")
	}
	if s.Disk.Available < lowDiskBytes {
		add("disk", "problem", fmt.Sprintf("%d MB are free", s.Disk.Available>>20), "delete what you do not need")
	} else {
		add("disk", "ok", fmt.Sprintf("%d GB of %d GB are free", s.Disk.Available>>30, s.Disk.Total>>30), "")
	}
	add("memory", "ok", fmt.Sprintf("Cloudsania uses %d MB of %d MB", ownMemory(s)>>20, s.Memory.Total>>20), "")
	return out
}

// oldEngine is a warning, never a refusal: distributions patch old versions.
func oldEngine(v string) bool {
	major := 0
	if _, err := fmt.Sscanf(v, "%d.", &major); err != nil {
		return false
	}
	return major < 29
}

func ownMemory(s api.System) int64 {
	sum := s.Memory.Control
	for _, e := range s.Edges {
		sum += e.Memory
	}
	return sum
}

func showDiagnosis(w io.Writer, d diagnosis) {
	for _, f := range d.Findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", map[string]string{"ok": "ok", "warning": "!", "problem": "X"}[f.State], f.Name, f.Text)
		if f.Hint != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Hint)
		}
	}
}

// welcome is what the installer ends with.
func (c *cli) welcome(ctx context.Context, control *api.Client, s api.System) error {
	w := c.out
	fmt.Fprintf(w, "\nCloudsania is running and uses %d MB of memory.\n\n", ownMemory(s)>>20)
	fmt.Fprintf(w, "  Dashboard   %s\n", s.URL)
	link, err := control.IssueClaim(ctx)
	switch {
	case paas.IsKind(err, paas.Conflict):
		fmt.Fprintf(w, "\nNext: sign in there, or push an app:  cloudsania apps create NAME\n")
	case err != nil:
		return err
	case link.URL == "":
		fmt.Fprintf(w, "\nNext: open the dashboard and claim this server with the secret that you chose.\n")
	default:
		fmt.Fprintf(w, "  Claim it    %s\n\nNext: open the claim link; it makes you the owner and works once.\n", link.URL)
		if !link.Expires.IsZero() {
			fmt.Fprintf(w, "It is valid until %s; `cloudsania doctor --welcome` prints a new one.\n", link.Expires.Local().Format("15:04"))
		}
	}
	if len(s.Edges) > 0 && strings.HasPrefix(s.URL, "https:") {
		showTrust(w, s.Edges[0], s.Domain)
	}
	return nil
}

// showTrust says what the browser will think of the certificate.
func showTrust(w io.Writer, e api.Edge, host string) {
	cert := e.Certificates[host]
	switch {
	case cert.State == "ok" && strings.HasPrefix(cert.Issuer, "Cloudsania"):
		fmt.Fprintf(w, "\nThis address is not public, so the browser warns once. The certificate's authority has the SHA-256 fingerprint\n%s\n", e.Fingerprint)
	case cert.State == "pending":
		fmt.Fprintf(w, "\nThe certificate is on its way; until it is here the browser warns.\n")
	case cert.State == "failed":
		fmt.Fprintf(w, "\nThere is no trusted certificate yet: %s\nIt is tried again by itself; until then the browser warns.\n", cert.Error)
	}
}
