// Command pack puts the lifecycle's binaries into one archive with the layout that builders expect. Equal binaries
// give an equal archive. The binaries and the archives of other architectures are removed: what stays in the
// directory gets embedded.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/buildpacks/lifecycle/api"
)

// phases are the names under which builders call the one binary.
var phases = []string{"analyzer", "builder", "creator", "detector", "exporter", "extender", "rebaser", "restorer"}

func main() {
	log.SetFlags(0)
	arch := flag.String("arch", "", "architecture of the binaries, as in GOARCH")
	version := flag.String("version", "", "version of the lifecycle")
	dir := flag.String("dir", "bin", "directory that holds lifecycle and launcher, and gets the archive")
	flag.Parse()
	if *arch == "" || *version == "" {
		log.Fatal("pack: -arch and -version are required")
	}
	if err := pack(*dir, *arch, *version); err != nil {
		log.Fatal("pack: ", err)
	}
}

func pack(dir, arch, version string) error {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := write(tar.NewWriter(zw), dir, version); err != nil {
		return err
	}
	if err := zw.Close(); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "l*")) // lifecycle, launcher, lifecycle-linux-*.tar.gz
	if err != nil {
		return err
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "lifecycle-linux-"+arch+".tar.gz"), buf.Bytes(), 0o644)
}

func write(tw *tar.Writer, dir, version string) error {
	files := []file{
		{name: "lifecycle.toml", mode: 0o644, text: []byte(descriptor(version))},
		{name: "lifecycle/", mode: 0o755},
	}
	for _, name := range []string{"lifecycle", "launcher"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		files = append(files, file{name: "lifecycle/" + name, mode: 0o755, text: b})
		for _, format := range []string{"cdx", "spdx", "syft"} { // a missing bill of materials is a warning in every build's log
			files = append(files, file{
				name: "lifecycle/" + name + ".sbom." + format + ".json",
				mode: 0o644,
				text: []byte("{}\n"),
			})
		}
	}
	for _, p := range phases {
		files = append(files, file{name: "lifecycle/" + p, mode: 0o777, link: "lifecycle"})
	}
	for _, f := range files {
		if err := f.write(tw); err != nil {
			return err
		}
	}
	return tw.Close()
}

type file struct {
	name, link string
	mode       int64
	text       []byte
}

func (f file) write(tw *tar.Writer) error {
	h := &tar.Header{
		Name:     f.name,
		Mode:     f.mode,
		Size:     int64(len(f.text)),
		ModTime:  time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC),
		Typeflag: tar.TypeReg,
	}
	if f.link != "" {
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
	} else if f.name[len(f.name)-1] == '/' {
		h.Typeflag = tar.TypeDir
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err := tw.Write(f.text)
	return err
}

func descriptor(version string) string {
	return fmt.Sprintf(`[apis]
[apis.buildpack]
deprecated = []
supported = %s
[apis.platform]
deprecated = []
supported = %s
[api]
buildpack = "0.7"
platform = "0.7"
[lifecycle]
version = %q
`, api.Buildpack.Supported, api.Platform.Supported, version)
}
