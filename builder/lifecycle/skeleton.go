package lifecycle

import (
	"archive/tar"
	"fmt"
	"io"
	"time"
)

// Labels that pack reads from the lifecycle's image.
const (
	LabelVersion = "io.buildpacks.lifecycle.version"
	LabelAPIs    = "io.buildpacks.lifecycle.apis"
)

// epoch is the time of every file in what we make: equal input gives an equal archive.
var epoch = time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)

// writeSkeleton: pack names the user "root", the exporter needs a scratch directory, and mount points must exist.
func writeSkeleton(tw *tar.Writer, uid int) error {
	for _, d := range []struct {
		name string
		mode int64
	}{{"cnb/", 0o755}, {"etc/", 0o755}, {"layers/", 0o777}, {"tmp/", 0o1777}} {
		if err := tw.WriteHeader(&tar.Header{
			Name:     d.name,
			Typeflag: tar.TypeDir,
			Mode:     d.mode,
			ModTime:  epoch,
		}); err != nil {
			return err
		}
	}
	for _, f := range []struct{ name, text string }{
		{"etc/group", fmt.Sprintf("root:x:0:\ncnb:x:%d:\n", uid)},
		{"etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\ncnb:x:%d:%d::/home/cnb:/sbin/nologin\n", uid, uid)},
	} {
		if err := tw.WriteHeader(&tar.Header{
			Name:    f.name,
			Mode:    0o644,
			Size:    int64(len(f.text)),
			ModTime: epoch,
		}); err != nil {
			return err
		}
		if _, err := io.WriteString(tw, f.text); err != nil {
			return err
		}
	}
	return nil
}
