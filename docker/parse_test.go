package docker

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/cloudsania/cloudsania/paas"
)

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 100 0 0 10 0
   2: 0B00007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 020013AC:1F90 010013AC:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4 1 0 20 4 30 10 -1
`

const tcp6Table = `  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:1389 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:138A 00000000000000000000000000000000:0000 0A 00000000:00000000
`

func TestParseListeners(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the tables are a little-endian machine's")
	}
	for name, tc := range map[string]struct {
		table string
		want  []string
	}{
		"IPv4, without Docker's name server and connections": {tcpTable, []string{"127.0.0.1:8080", "0.0.0.0:3000"}},
		"IPv6": {tcp6Table, []string{"[::]:5000", "[::1]:5001", "127.0.0.1:5002"}},
		"none": {"", nil},
	} {
		ports, err := parseListeners(strings.NewReader(tc.table))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range ports {
			got = append(got, p.String())
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, bad := range []string{"x:1", "0100007F", "0100007F:XYZ", "0100007:1F90", "010000ZZ:1F90", ":1F90"} {
		if a, err := parseSocket(bad); err == nil {
			t.Errorf("%q is %v", bad, a)
		}
	}
}

func TestParseRoutes(t *testing.T) {
	const table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"eth0\t400ED50A\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0\n"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the table is a little-endian machine's")
	}
	got, err := parseRoutes(strings.NewReader(table))
	if want := []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("10.213.14.64/26")}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseRoutes(strings.NewReader("h\neth0\tXX\t0\t0\t0\t0\t0\t0\n")); err == nil {
		t.Error("garbage is accepted")
	}
}

func frame(stream byte, text string) string {
	head := [8]byte{stream}
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head[:]) + text
}

func TestReadLog(t *testing.T) {
	const at = "2026-01-02T03:04:05.678901234Z"
	when := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	for _, tc := range []struct {
		name, stream string
		want         []paas.LogLine
	}{
		{"two streams", frame(1, at+" out\n") + frame(2, at+" err\r\n"), []paas.LogLine{{Time: when, Stream: "stdout", Text: "out"}, {Time: when, Stream: "stderr", Text: "err"}}},
		{"empty line", frame(1, at+" \n"), []paas.LogLine{{Time: when, Stream: "stdout", Text: ""}}},
		{"pieces of a long line with another in between", frame(1, at+" abc") + frame(2, at+" err\n") + frame(1, at+" def\n"),
			[]paas.LogLine{{Time: when, Stream: "stderr", Text: "err"}, {Time: when, Stream: "stdout", Text: "abcdef"}}},
		{"ends in the middle of a line", frame(1, at+" abc"), []paas.LogLine{{Time: when, Stream: "stdout", Text: "abc"}}},
		{"ends in the middle of a frame", frame(1, at+" abc\n") + frame(1, at+" abc\n")[:20], []paas.LogLine{{Time: when, Stream: "stdout", Text: "abc"}}},
		{"not UTF-8", frame(1, at+" a\xffb\n"), []paas.LogLine{{Time: when, Stream: "stdout", Text: "a\uFFFDb"}}},
		{"no time", frame(1, "hello\n"), []paas.LogLine{{Time: time.Time{}, Stream: "stdout", Text: "hello"}}},
	} {
		var got []paas.LogLine
		err := readLog(strings.NewReader(tc.stream), func(l paas.LogLine) error { got = append(got, l); return nil })
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
	for name, bad := range map[string]string{"unknown stream": frame(9, "x"), "a frame of 4 GB": "\x01\x00\x00\x00\xff\xff\xff\xff", "the engine's error": frame(3, "it broke")} {
		if err := readLog(strings.NewReader(bad), func(paas.LogLine) error { return nil }); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add([]byte(frame(1, "2026-01-02T03:04:05Z out\n") + frame(2, "2026-01-02T03:04:05Z "+strings.Repeat("\xff", 70))))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		_ = readLog(bytes.NewReader(b), func(l paas.LogLine) error {
			if len(l.Text) > maxLine || !utf8.ValidString(l.Text) || l.Stream != "stdout" && l.Stream != "stderr" {
				t.Errorf("line of %d bytes on %q", len(l.Text), l.Stream)
			}
			total += len(l.Text)
			return nil
		})
		if total > 3*len(b) { // an invalid byte becomes three
			t.Errorf("%d bytes out of %d", total, len(b))
		}
	})
}

func FuzzParseListeners(f *testing.F) {
	f.Add(tcpTable)
	f.Add(tcp6Table)
	f.Fuzz(func(t *testing.T, s string) {
		ports, err := parseListeners(strings.NewReader(s))
		for _, p := range ports {
			if err == nil && !p.Addr().IsValid() {
				t.Errorf("%v of %q", p, s)
			}
		}
	})
}

func TestMemoryIsWithoutCache(t *testing.T) {
	for name, tc := range map[string]struct {
		stats map[string]uint64
		want  int64
	}{
		"version 1": {map[string]uint64{"total_inactive_file": 30, "inactive_file": 1}, 70},
		"version 2": {map[string]uint64{"inactive_file": 40}, 60},
		"neither":   {nil, 100},
		"absurd":    {map[string]uint64{"inactive_file": 400}, 0},
	} {
		s := container.StatsResponse{MemoryStats: container.MemoryStats{Usage: 100, Stats: tc.stats},
			Networks: map[string]container.NetworkStats{"eth0": {RxBytes: 1, TxBytes: 2}, "eth1": {RxBytes: 10, TxBytes: 20}}}
		if got := sample(s); got.MemoryBytes != tc.want || got.ReceivedBytes != 11 || got.SentBytes != 22 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestSystemdTakesOnlySlices(t *testing.T) {
	for _, tc := range []struct{ driver, parent, want string }{
		{"cgroupfs", "cloudsania-build", "/cloudsania-build"}, {"cgroupfs", "/a/b/", "/a/b"}, {"cgroupfs", "", ""},
		{"systemd", "cloudsania-build", "cloudsania-build.slice"}, {"systemd", "/a/b", "a-b.slice"}, {"systemd", "x.slice", "x.slice"},
	} {
		e := &Engine{seen: Info{Version: "1", CgroupDriver: tc.driver, CPUs: 2}}
		var h container.HostConfig
		if err := e.BuildClient(BuildPolicy{CgroupParent: tc.parent}).confine(t.Context(), &h, false); err != nil || h.CgroupParent != tc.want {
			t.Errorf("%v: %q, %v", tc, h.CgroupParent, err)
		}
	}
}

func TestClosedSocket(t *testing.T) {
	c, err := client.New(client.WithHost("unix:///run/docker.sock"), client.WithDialContext(func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
	}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&Engine{client: c}).Ping(t.Context())
	if p := paas.Public(err); p.Kind != paas.Unavailable || p.Msg != "permission denied on docker's socket" {
		t.Errorf("got %v", err)
	}
}
