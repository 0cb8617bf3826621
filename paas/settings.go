package paas

import (
	"net/netip"
	"time"
)

// Settings are chosen once per installation and kept in the store; flags given later override them.
type Settings struct {
	Installation string       // id of this installation (inl_…), in labels of everything it makes in Docker
	Pool         netip.Prefix // addresses that environments take their subnets from
	Domain       string       // BASE
	Created      time.Time
}
