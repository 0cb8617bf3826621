package paas

import (
	"fmt"
	"hash/crc32"
)

const maxLabel = 63 // of a DNS label, RFC 1035

// Site is how visitors reach this installation.
type Site struct {
	Domain    string // BASE: apps live at <app>.BASE
	Dashboard []string
	TLS       TLSSettings
	HTTPPort  int // as visitors see it
	HTTPSPort int
}

// Origin is the address of a host of ours: scheme, host, and the port where it is not the scheme's own.
func (s Site) Origin(host string) string {
	if s.TLS.Mode == TLSOff {
		if s.HTTPPort == 80 || s.HTTPPort == 0 {
			return "http://" + host
		}
		return fmt.Sprintf("http://%s:%d", host, s.HTTPPort)
	}
	if s.HTTPSPort == 443 || s.HTTPSPort == 0 {
		return "https://" + host
	}
	return fmt.Sprintf("https://%s:%d", host, s.HTTPSPort)
}

// Host is the generated host name of an app in an environment.
func (s Site) Host(app App, project Project, env Environment) string {
	return hostLabel(app, project, env) + "." + s.Domain
}

// Address is where visitors find an app in an environment.
func (s Site) Address(app App, project Project, env Environment) string {
	return s.Origin(s.Host(app, project, env))
}

// hostLabel is the DNS label below the base domain: the app's name alone in the project that was made for it, else app--project, and
// --environment behind it anywhere but in production. Names hold no double hyphen, so labels never clash.
func hostLabel(app App, project Project, env Environment) string {
	label := app.Name
	if project.Name != app.Name {
		label += "--" + project.Name
	}
	if env.Name != Production {
		label += "--" + env.Name
	}
	if len(label) > 4 && label[2:4] == "--" {
		label = "app-" + label // hyphens in the third and fourth place are reserved (RFC 5891, 4.2.3.1)
	}
	if len(label) > maxLabel {
		label = fmt.Sprintf("%s-%08x", label[:maxLabel-9], crc32.ChecksumIEEE([]byte(label)))
	}
	return label
}

// FullName is an app's name among all projects: its own name in the project that was made for it, else project/app.
func FullName(app App, project Project) string {
	if project.Name == app.Name {
		return app.Name
	}
	return project.Name + "/" + app.Name
}
