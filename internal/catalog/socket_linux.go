package catalog

import (
	"syscall"
	"time"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, see tcp(7): for how long what was sent may be
// unacknowledged.
const tcpUserTimeout = 18

func limitUnacknowledged(network string, c syscall.RawConn, limit time.Duration) (err error) {
	if network == "unix" {
		return nil
	}
	if control := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(limit.Milliseconds()))
	}); control != nil {
		return control
	}
	return err
}
