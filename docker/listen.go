package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// dockerDNS is where the engine's own name server listens inside the containers of its networks.
var dockerDNS = netip.MustParseAddr("127.0.0.11")

// maxSockets bounds how much of a container's socket table is read: it may open as many as it likes.
const maxSockets = 1 << 16

// Listening returns the addresses and ports on which processes of the container accept TCP connections, sorted. It is
// empty while none does. A container that does not run is a Conflict. The engine must be on this machine: the answer is
// read from /proc.
func (e *Engine) Listening(ctx context.Context, id string) ([]netip.AddrPort, error) {
	s, err := e.Inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.PID == 0 {
		return nil, &paas.Error{Kind: paas.Conflict, Msg: "the container does not run"}
	}
	var found []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} { // of the init; all processes of a container share its network
		f, err := os.Open("/proc/" + strconv.Itoa(s.PID) + "/net/" + table)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no IPv6, or ended a moment ago
		}
		if err != nil {
			return nil, fmt.Errorf("look for listening ports: %w", err)
		}
		ports, err := parseListeners(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("look for listening ports: %w", err)
		}
		found = append(found, ports...)
	}
	slices.SortFunc(found, netip.AddrPort.Compare)
	return slices.Compact(found), nil
}

// parseListeners reads /proc/net/tcp or tcp6: a heading, then "  0: 0100007F:1F90 00000000:0000 0A …", where the
// second field is the local address and 0A means listening.
func parseListeners(r io.Reader) ([]netip.AddrPort, error) {
	var found []netip.AddrPort
	sc := bufio.NewScanner(r)
	sc.Scan()
	for n := 0; n < maxSockets && sc.Scan(); n++ {
		f := strings.Fields(sc.Text())
		if len(f) < 4 || f[3] != "0A" {
			continue
		}
		a, err := parseSocket(f[1])
		if err != nil {
			return nil, err
		}
		if a.Addr() != dockerDNS {
			found = append(found, a)
		}
	}
	return found, sc.Err()
}

// parseSocket takes "0100007F:1F90" apart: one word for IPv4, four for IPv6, and the port. An IPv4 address inside IPv6
// comes out as IPv4.
func parseSocket(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil || len(host) != 8 && len(host) != 32 {
		return netip.AddrPort{}, fmt.Errorf("%q is not a socket's address", s)
	}
	var b []byte
	for ; host != ""; host = host[8:] {
		w, err := hexWord(host[:8])
		if err != nil {
			return netip.AddrPort{}, err
		}
		b = append(b, w[:]...)
	}
	a, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), nil
}
