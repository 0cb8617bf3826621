package proxy

import (
	"github.com/caddyserver/certmagic"

	"github.com/cloudsania/cloudsania/paas"
)

// hostCert is how one host stands.
type hostCert struct {
	state   string
	err     string
	running bool
}

func (a *acme) get(host string) hostCert {
	a.mu.Lock()
	defer a.mu.Unlock()
	if st := a.all[host]; st != nil {
		return *st
	}
	return hostCert{}
}

func (a *acme) set(host string, st hostCert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[host] = &st
}

func (a *acme) ready(host string) bool { return a.get(host).state == certOK }

func (a *acme) running() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, st := range a.all {
		if st.running {
			n++
		}
	}
	return n
}

// forget ends the care for hosts that the table no longer has. Their certificates stay on disk, their waiting times
// too.
func (a *acme) forget(rt *router) {
	var gone []certmagic.SubjectIssuer
	a.mu.Lock()
	for host := range a.all {
		if rt.targets[host] == nil && !a.all[host].running {
			gone = append(gone, certmagic.SubjectIssuer{Subject: host})
			delete(a.all, host)
		}
	}
	a.mu.Unlock()
	a.cache.RemoveManaged(gone)
}

func (a *acme) status(host string) paas.CertStatus {
	st := a.get(host)
	cs := paas.CertStatus{State: st.state, Error: st.err}
	if st.state == "" {
		cs.State = certPending
	}
	if st.state != certOK {
		return cs
	}
	if have := a.cache.AllMatchingCertificates(host); len(have) > 0 && have[0].Leaf != nil {
		leaf := have[0].Leaf
		cs.Issuer, cs.Expires = leaf.Issuer.CommonName, leaf.NotAfter.Unix()
		if cs.Issuer == "" && len(leaf.Issuer.Organization) > 0 {
			cs.Issuer = leaf.Issuer.Organization[0]
		}
	}
	return cs
}
