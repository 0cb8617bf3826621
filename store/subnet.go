package store

import (
	"encoding/binary"
	"net/netip"

	"github.com/cloudsania/cloudsania/paas"
)

const subnetSize = 1 << (32 - subnetBits)

// takeSubnet hands out the next free subnet of the pool. It goes round the pool, so that the subnet of a deleted environment rests as
// long as possible: a network or a table may still name it.
func (t *Tx) takeSubnet(avoid []netip.Prefix) (netip.Prefix, error) {
	settings, err := get[paas.Settings](t, metaBucket, "settings")
	if err != nil {
		return netip.Prefix{}, err
	}
	pool := settings.Pool
	if !pool.IsValid() {
		return netip.Prefix{}, &paas.Error{Kind: paas.Unavailable, Msg: "no pool of addresses for apps has been chosen yet",
			Hint: "start the server: it chooses one"}
	}
	taken, err := t.subnetsInUse()
	if err != nil {
		return netip.Prefix{}, err
	}
	taken = append(taken, avoid...)
	last, _, err := find[netip.Prefix](t, metaBucket, "subnet")
	if err != nil {
		return netip.Prefix{}, err
	}
	count, start := 1<<(subnetBits-pool.Bits()), 0
	if pool.Contains(last.Addr()) {
		start = int(number4(last.Addr())-number4(pool.Addr()))/subnetSize + 1
	}
	for i := range count {
		p := netip.PrefixFrom(addr4(number4(pool.Addr())+uint32((start+i)%count*subnetSize)), subnetBits)
		if !overlapsAny(p, taken) {
			return p, t.put(metaBucket, "subnet", p)
		}
	}
	return netip.Prefix{}, conflict("delete an app that is no longer needed, or give the server a larger pool",
		"all %d networks of the pool %s are in use", count, pool)
}

// subnetsInUse are those of all environments, deleted ones included until everything of them is gone.
func (t *Tx) subnetsInUse() ([]netip.Prefix, error) {
	var out []netip.Prefix
	err := each(t, environmentBucket, "", func(_ string, e environmentRecord) error { out = append(out, e.Subnet); return nil })
	if err != nil {
		return nil, err
	}
	err = each(t, removalBucket, "", func(_ string, r Removed) error {
		for _, e := range r.Environments {
			out = append(out, e.Subnet)
		}
		return nil
	})
	return out, err
}

func overlapsAny(p netip.Prefix, others []netip.Prefix) bool {
	for _, o := range others {
		if o.IsValid() && p.Overlaps(o) {
			return true
		}
	}
	return false
}

// takeAddress hands out an address of the environment that no instance has which is not gone. It goes round the subnet; the first usable
// address is the gateway's and the last one is the broadcast.
func (t *Tx) takeAddress(environment string) (netip.Addr, error) {
	env, err := get[environmentRecord](t, environmentBucket, environment)
	if err != nil {
		return netip.Addr{}, err
	}
	taken := map[netip.Addr]bool{}
	err = t.eachInstanceOf(path(environment, ""), func(i paas.Instance) error { taken[i.Addr] = true; return nil })
	if err != nil {
		return netip.Addr{}, err
	}
	for _, fixed := range env.Services {
		taken[fixed] = true
	}
	const first, usable = 2, subnetSize - 3
	base, start := number4(env.Subnet.Addr()), uint32(0)
	if env.LastAddr.IsValid() {
		start = number4(env.LastAddr) - base - first + 1
	}
	for i := range uint32(usable) {
		a := addr4(base + first + (start+i)%usable)
		if taken[a] {
			continue
		}
		env.LastAddr = a
		return a, t.keep(environmentBucket, environment, env)
	}
	return netip.Addr{}, conflict("wait until old versions have ended, or lower the number of copies",
		"all %d addresses of the environment %q are in use", usable, env.Name)
}

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func addr4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}
