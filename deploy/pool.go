package deploy

import (
	"context"
	"fmt"
	"hash/crc32"
	"net/netip"

	"github.com/cloudsania/cloudsania/paas"
)

const poolBits = 16 // 1024 subnets of 64 addresses

// subnets tells which addresses of this machine are in use.
type subnets interface {
	UsedSubnets(ctx context.Context) ([]netip.Prefix, error)
}

// choosePool picks, once per installation, a /16 of 10.0.0.0/8 that nothing on this machine uses. Where to begin
// looking depends on the installation's id, so that several beside each other do not choose the same one.
func (d *Deployer) choosePool(ctx context.Context) error {
	settings := d.store.Settings()
	if settings.Pool.IsValid() {
		return nil
	}
	used, err := d.engine.UsedSubnets(ctx)
	if err != nil {
		return fmt.Errorf("choose addresses for apps: %w", err)
	}
	pool, ok := freePool(used, crc32.ChecksumIEEE([]byte(settings.Installation)))
	if !ok {
		return &paas.Error{Kind: paas.Unavailable, Msg: "every network of 10.0.0.0/8 is in use on this machine",
			Hint: "free one: apps need a network of 65,536 addresses"}
	}
	settings.Pool = pool
	return d.store.SaveSettings(settings)
}

func freePool(used []netip.Prefix, start uint32) (netip.Prefix, bool) {
	for i := range uint32(190) {
		second := byte(64 + (start%190+i)%190) // 10.64 to 10.253: below are the favourites of providers and home networks
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, second, 0, 0}), poolBits)
		free := true
		for _, u := range used {
			free = free && !p.Overlaps(u)
		}
		if free {
			return p, true
		}
	}
	return netip.Prefix{}, false
}
