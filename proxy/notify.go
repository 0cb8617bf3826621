package proxy

import (
	"fmt"
	"net"
	"os"
)

// notify tells systemd which process is the service's main one and that it serves (sd_notify(3)); without systemd it
// does nothing. A handover is told by both sides: the old edge before it can end, since systemd would take its end for
// the service's. Needs Type=notify and NotifyAccess=all in the unit.
func notify(pid int) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if name[0] == '@' {
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return // systemd will say that it heard nothing
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "MAINPID=%d\nREADY=1", pid)
}
