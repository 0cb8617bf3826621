package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/cloudsania/cloudsania/paas"
)

// unitFiles are the systemd units. Only the socket unit starts the edge there, so that its ports stay open whatever restarts; the
// edge has no capability at all, control keeps what Docker, debootstrap and cgroups need.
var unitFiles = map[string]string{
	"cloudsania.service": `[Unit]
Description=Cloudsania control: dashboard, git, builds, deploys
Documentation=https://github.com/cloudsania/cloudsania
After=network-online.target docker.service cloudsania-edge.socket
Wants=network-online.target docker.service cloudsania-edge.socket
StartLimitIntervalSec=0

[Service]
ExecStart={{.Bin}} serve --edge external {{.Flags}}
Restart=always
RestartSec=1
TimeoutStopSec=30
KillMode=mixed
OOMScoreAdjust=-900
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={{.Data}} -/etc/cloudsania -/sys/fs/cgroup
ProtectHome=yes
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`,
	"cloudsania-edge.socket": `[Unit]
Description=Ports of the Cloudsania edge

[Socket]
ListenStream={{.HTTP}}
ListenStream={{.HTTPS}}
Backlog=4096
NoDelay=yes
Service=cloudsania-edge.service

[Install]
WantedBy=sockets.target
`,
	"cloudsania-edge.service": `[Unit]
Description=Cloudsania edge: serves the apps
Documentation=https://github.com/cloudsania/cloudsania
After=network.target
Requires=cloudsania-edge.socket
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart={{.Bin}} edge --data {{.Data}} --http {{.HTTPFlag}} --https {{.HTTPSFlag}}
ExecReload={{.Bin}} handover --data {{.Data}} --http {{.HTTPFlag}} --https {{.HTTPSFlag}}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=20
OOMScoreAdjust=-900
LimitNOFILE=262144
User={{.EdgeUser}}
Group={{.EdgeUser}}
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={{.Data}}/edge
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
Also=cloudsania-edge.socket
`,
}

// Units says what the systemd units of an installation start.
type Units struct {
	Flags       []string // of serve, as the person wrote them
	Data        string
	EdgeUser    string
	HTTP, HTTPS string // addresses that the edge listens on
}

// unitText is what the unit files are filled with.
type unitText struct {
	Bin, Flags, Data, EdgeUser string
	HTTP, HTTPS                string // as systemd writes addresses
	HTTPFlag, HTTPSFlag        string
}

// Write writes cloudsania.service, cloudsania-edge.socket and cloudsania-edge.service into dir.
func (u Units) Write(dir string) error {
	for _, f := range u.Flags {
		if strings.ContainsAny(f, " \t\n\"'\\$%;{}") {
			return paas.Invalidf("flags", "systemd would read it differently", "%q cannot go into a unit", f)
		}
	}
	if u.EdgeUser == "" {
		return paas.Invalidf("edge-user", "pass --edge-user", "the edge needs a user of its own")
	}
	bin, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	text := unitText{
		Bin: bin, Flags: strings.Join(u.Flags, " "), Data: u.Data, EdgeUser: u.EdgeUser,
		HTTP: listenStream(u.HTTP), HTTPS: listenStream(u.HTTPS), HTTPFlag: u.HTTP, HTTPSFlag: u.HTTPS,
	}
	for name, body := range unitFiles {
		t, err := template.New(name).Parse(body)
		if err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
		var out strings.Builder
		if err := t.Execute(&out, text); err != nil {
			return fmt.Errorf("unit %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(out.String()), 0o644); err != nil {
			return fmt.Errorf("write unit: %w", err)
		}
	}
	return nil
}

// listenStream writes an address as systemd.socket(5) wants it: a bare port listens on every address of both families.
func listenStream(addr string) string { return strings.TrimPrefix(addr, ":") }
