package store

import (
	"github.com/cloudsania/cloudsania/paas"
)

// subnetBits is the size of an environment's network.
const subnetBits = 26

// Settings of the installation. They are there from the first Open on; Pool stays zero until SaveSettings sets it. Should the record be
// unreadable they are those that Open read.
func (t *Tx) Settings() (paas.Settings, error) { return get[paas.Settings](t, metaBucket, "settings") }

// SaveSettings changes Pool and Domain; Installation and Created never change. A pool is IPv4 and at least a /26; environments keep the
// subnets that they have.
func (t *Tx) SaveSettings(in paas.Settings) error {
	if p := in.Pool; p.IsValid() && (!p.Addr().Is4() || p.Bits() > subnetBits || p != p.Masked()) {
		return paas.Invalidf("pool", "for instance 10.202.0.0/16", "%q cannot be the pool: it must be an IPv4 network of at least /%d", p, subnetBits)
	}
	old, err := get[paas.Settings](t, metaBucket, "settings")
	if err != nil {
		return err
	}
	if in.Installation == "" {
		in.Installation = old.Installation
	}
	if in.Installation != old.Installation {
		return paas.Invalidf("installation", "it is chosen once", "the id of an installation cannot change")
	}
	in.Created = old.Created
	if in == old {
		return nil
	}
	if err := t.put(metaBucket, "settings", in); err != nil {
		return err
	}
	if in.Domain != old.Domain {
		all, err := t.AppEnvironments()
		if err != nil {
			return err
		}
		if err := t.generateHosts(all, leaveTaken); err != nil {
			return err
		}
	}
	if _, err := t.bump(); err != nil {
		return err
	}
	detail := paas.SettingsChanged{Domain: in.Domain}
	if in.Pool.IsValid() {
		detail.Pool = in.Pool.String()
	}
	return t.teamEvent(detail, in.Installation)
}
