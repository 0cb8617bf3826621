package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/moby/moby/client"
)

// UsedSubnets returns what a new subnet must not overlap, sorted: the subnets of every network of the engine, whatever
// made it, and the addresses and IPv4 routes of this machine. The default route is not among them.
func (e *Engine) UsedSubnets(ctx context.Context) ([]netip.Prefix, error) {
	short, cancel := call(ctx)
	defer cancel()
	r, err := e.client.NetworkList(short, client.NetworkListOptions{})
	if err != nil {
		return nil, fail(ctx, err, "list networks")
	}
	var used []netip.Prefix
	for _, n := range r.Items {
		for _, c := range n.IPAM.Config {
			if c.Subnet.IsValid() {
				used = append(used, c.Subnet.Masked())
			}
		}
	}
	host, err := hostSubnets()
	if err != nil {
		return nil, err
	}
	used = append(used, host...)
	slices.SortFunc(used, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	return slices.Compact(used), nil
}

func hostSubnets() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this machine's addresses: %w", err)
	}
	var used []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			used = append(used, p.Masked())
		}
	}
	f, err := os.Open("/proc/net/route")
	if errors.Is(err, fs.ErrNotExist) {
		return used, nil // a machine without IPv4
	}
	if err != nil {
		return nil, fmt.Errorf("list this machine's routes: %w", err)
	}
	defer f.Close()
	routes, err := parseRoutes(f)
	return append(used, routes...), err
}

// parseRoutes reads /proc/net/route: a heading, then lines of tab-separated fields of which the second is the
// destination and the eighth the mask, in hexadecimal and the machine's byte order.
func parseRoutes(r io.Reader) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	sc := bufio.NewScanner(r)
	sc.Scan()
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 8 {
			continue
		}
		dst, err1 := hexWord(f[1])
		mask, err2 := hexWord(f[7])
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("read route %q: %w", sc.Text(), errors.Join(err1, err2))
		}
		ones := bits.OnesCount32(binary.BigEndian.Uint32(mask[:]))
		if ones > 0 {
			routes = append(routes, netip.PrefixFrom(netip.AddrFrom4(dst), ones).Masked())
		}
	}
	return routes, sc.Err()
}

// hexWord turns eight hexadecimal digits, a word as the kernel prints it with %08X, into the bytes as they are on the
// wire.
func hexWord(s string) (w [4]byte, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return w, fmt.Errorf("%q is not a word", s)
	}
	binary.NativeEndian.PutUint32(w[:], binary.BigEndian.Uint32(b))
	return w, nil
}
