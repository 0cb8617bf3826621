package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

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
		writeTrust(w, s.Edges[0], s.Domain)
	}
	return nil
}

// writeTrust says what the browser will think of the certificate.
func writeTrust(w io.Writer, e api.Edge, host string) {
	cert := e.Certificates[host]
	switch {
	case cert.State == "ok" && strings.HasPrefix(cert.Issuer, "Cloudsania"):
		fmt.Fprintf(w, "\nThis address is not public, so the browser warns once. "+
			"The certificate's authority has the SHA-256 fingerprint\n%s\n", e.Fingerprint)
	case cert.State == "pending":
		fmt.Fprintf(w, "\nThe certificate is on its way; until it is here the browser warns.\n")
	case cert.State == "failed":
		fmt.Fprintf(w, "\nThere is no trusted certificate yet: %s\n"+
			"It is tried again by itself; until then the browser warns.\n", cert.Error)
	}
}
