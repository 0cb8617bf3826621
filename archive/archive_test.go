package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// item is an entry of an archive to make.
type item struct {
	name string
	text string
	mode fs.FileMode // with type bits; 0 is 0644
	link string
	typ  byte // tar only
}

func makeTar(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		h := &tar.Header{Name: i.name, Mode: 0o644, Size: int64(len(i.text)), Typeflag: i.typ, Linkname: i.link, Uid: 1234, Gname: "wheel"}
		if i.mode != 0 {
			h.Mode = int64(i.mode.Perm()) | 0o6000 // set-id bits too: they must not survive
		}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if strings.HasSuffix(i.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeZip(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate}
		if i.mode == 0 {
			i.mode = 0o644
		}
		h.SetMode(i.mode)
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if i.link != "" {
			i.text = i.link
		}
		if _, err := io.WriteString(f, i.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unpack writes b to a file and unpacks that into a directory that lies in another one, which nothing may be written
// to.
func unpack(t testing.TB, b []byte, o Options) (string, error) {
	t.Helper()
	outer := t.TempDir()
	dir, path := filepath.Join(outer, "dir"), filepath.Join(t.TempDir(), "archive")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Unpack(t.Context(), path, dir, o)
	if entries, rerr := os.ReadDir(outer); rerr != nil || len(entries) != 1 {
		t.Errorf("something was written outside: %v %v", entries, rerr)
	}
	return dir, err
}

// listing is "mode path=text" for each file and link below dir.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if rel != "." && info.Mode().Perm() != 0o755 { // the directory itself is the caller's
				t.Errorf("%s has mode %v", rel, info.Mode())
			}
		case d.Type()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			list = append(list, rel+" -> "+target)
		default:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			list = append(list, fmt.Sprintf("%o %s=%s", info.Mode(), rel, b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

func TestUnpack(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, c := range []struct {
		name  string
		items []item
		want  string
	}{
		{"files and directories", []item{{name: "a/"}, {name: "a/b.txt", text: "b"}, {name: "c", text: "c", mode: 0o777}}, "644 a/b.txt=b\n755 c=c"},
		{"directories that are not listed", []item{{name: "a/b/c", text: "1"}, {name: "d", text: "2"}}, "644 a/b/c=1\n644 d=2"},
		{"one top directory", []item{{name: "top-1.2/"}, {name: "top-1.2/index.html", text: "x"}, {name: "top-1.2/a/b", text: "y"}}, "644 a/b=y\n644 index.html=x"},
		{"a top directory that holds its own name", []item{{name: "top/top", text: "x"}}, "644 top=x"},
		{"one top file", []item{{name: "index.html", text: "x"}}, "644 index.html=x"},
		{"what systems leave behind", []item{{name: "top/index.html", text: "x"}, {name: "__MACOSX/top/._index.html", text: "m"}, {name: ".DS_Store"}, {name: "top/.DS_Store"},
			{name: "top/.git/config", text: "c"}, {name: "top/sub/.GIT/config"}, {name: "._top"}}, "644 index.html=x"},
		{"dots and double slashes", []item{{name: "./a//b/./c", text: "x"}, {name: "./d", text: "y"}}, "644 a/b/c=x\n644 d=y"},
		{"an empty file, an odd name", []item{{name: "-rf"}, {name: "ünï 🙂\n", text: "x"}, {name: "...", text: "y"}}, "644 -rf=\n644 ...=y\n644 ünï 🙂\n=x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, b := range map[string][]byte{"tar": makeTar(t, c.items...), "tar.gz": zipped(t, makeTar(t, c.items...)), "zip": makeZip(t, c.items...)} {
				dir, err := unpack(t, b, Options{})
				if got := listing(t, dir); err != nil || got != c.want {
					t.Errorf("%s: %q %v, want %q", kind, got, err, c.want)
				}
			}
		})
	}
}

func TestZipFromOldWindows(t *testing.T) {
	dir, err := unpack(t, makeZip(t, item{name: `app\index.php`, text: "x"}, item{name: `app\lib\a.php`, text: "y"}), Options{})
	if got := listing(t, dir); err != nil || got != "644 index.php=x\n644 lib/a.php=y" {
		t.Errorf("%q %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, c := range []struct {
		name  string
		items []item
		want  string // part of the message
		kinds string
	}{
		{"step up", []item{{name: "../../etc/cron.d/x", text: "x"}}, `"../../etc/cron.d/x" in the archive leads outside`, "tar zip"},
		{"step up inside", []item{{name: "a/../b", text: "x"}}, "leads outside", "tar zip"},
		{"step up with backslashes", []item{{name: `..\..\x`, text: "x"}}, "leads outside", "zip"},
		{"absolute", []item{{name: "/etc/passwd", text: "x"}}, "absolute path", "tar zip"},
		{"drive letter", []item{{name: `C:\x`, text: "x"}}, "absolute path", "zip"},
		{"symbolic link", []item{{name: "a", link: "b", typ: tar.TypeSymlink, mode: fs.ModeSymlink | 0o777}}, `"a" in the archive is a symbolic link`, "tar zip"},
		{"link to a directory, then a file through it", []item{{name: "a", link: "/tmp", typ: tar.TypeSymlink, mode: fs.ModeSymlink | 0o777}, {name: "a/x", text: "x"}}, "symbolic link", "tar zip"},
		{"hard link", []item{{name: "x", text: "1"}, {name: "a", link: "x", typ: tar.TypeLink}}, "hard link", "tar"},
		{"device", []item{{name: "sda", typ: tar.TypeBlock, mode: fs.ModeDevice | 0o600}}, "device", "tar zip"},
		{"character device", []item{{name: "tty", typ: tar.TypeChar, mode: fs.ModeDevice | fs.ModeCharDevice | 0o600}}, "device", "tar zip"},
		{"pipe", []item{{name: "p", typ: tar.TypeFifo, mode: fs.ModeNamedPipe | 0o600}}, "named pipe", "tar zip"},
		{"socket", []item{{name: "s", mode: fs.ModeSocket | 0o600}}, "neither", "zip"},
		{"unknown type", []item{{name: "s", typ: 'Z'}}, "neither", "tar"},
		{"NUL", []item{{name: "a\x00b", text: "x"}}, "NUL", "zip"},
		{"not UTF-8", []item{{name: "\xff\xfe", text: "x"}}, "not UTF-8", "tar zip"},
		{"long part", []item{{name: long, text: "x"}}, "more than 255 bytes", "tar zip"},
		{"long path", []item{{name: strings.Repeat(long[:200]+"/", 6) + "x", text: "x"}}, "more than 1000 bytes", "tar zip"},
		{"deep path", []item{{name: strings.Repeat("a/", 70) + "x", text: "x"}}, "directories deep", "tar zip"},
		{"the same twice", []item{{name: "a", text: "1"}, {name: "a", text: "2"}}, `"a" in the archive is there twice`, "tar zip"},
		{"the same twice, written differently", []item{{name: "a", text: "1"}, {name: "./a", text: "2"}}, "twice", "tar zip"},
		{"file, then directory", []item{{name: "a", text: "1"}, {name: "a/b", text: "2"}}, "twice", "tar zip"},
		{"directory, then file", []item{{name: "a/b", text: "2"}, {name: "a", text: "1"}}, "twice", "tar zip"},
		{"nothing", nil, "no files", "tar zip"},
		{"nothing but leftovers", []item{{name: ".git/config", text: "x"}}, "no files", "tar zip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range strings.Fields(c.kinds) {
				b := makeZip(t, c.items...)
				if kind == "tar" {
					b = makeTar(t, c.items...)
				}
				_, err := unpack(t, b, Options{})
				p := paas.Public(err)
				if !paas.IsKind(err, paas.Invalid) || !strings.Contains(p.Msg, c.want) || p.Hint == "" {
					t.Errorf("%s: %v, want %q", kind, err, c.want)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	big := strings.Repeat("\x00", 3<<20)
	many := []item{}
	for i := range 60 {
		many = append(many, item{name: fmt.Sprintf("d%d/f", i), text: "x"})
	}
	var junk []item
	for i := range 1000 {
		junk = append(junk, item{name: fmt.Sprintf(".git/%d", i)})
	}
	for _, c := range []struct {
		name  string
		items []item
		o     Options
		want  string
	}{
		{"bytes of one file", []item{{name: "a", text: big}}, Options{Bytes: 2 << 20}, "more than 2 MB"},
		{"bytes together", []item{{name: "a", text: big[:1<<20]}, {name: "b", text: big[:1<<20]}, {name: "c", text: "x"}}, Options{Bytes: 2 << 20}, "more than 2 MB"},
		{"files, and directories that are not listed", many, Options{Files: 100}, "more than 100 files"},
		{"ignored entries", append(junk, item{name: "x"}), Options{Files: 100}, "more than 100 files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, b := range map[string][]byte{"tar": makeTar(t, c.items...), "tar.gz": zipped(t, makeTar(t, c.items...)), "zip": makeZip(t, c.items...)} {
				_, err := unpack(t, b, c.o)
				if !paas.IsKind(err, paas.TooLarge) || !strings.Contains(paas.Public(err).Msg, c.want) {
					t.Errorf("%s: %v, want %q", kind, err, c.want)
				}
			}
		})
	}
	if _, err := unpack(t, makeTar(t, many...), Options{Files: 120}); err != nil {
		t.Errorf("exactly at the limit: %v", err)
	}
}

// bombs are 100 MB of zeros in both kinds of archives, made of one compressed part that is repeated.
func bombs(t *testing.T) map[string][]byte {
	t.Helper()
	const part, parts = 10 << 20, 10
	zeros := make([]byte, part)
	var head, tarball bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "zeros", Mode: 0o644, Size: part * parts}); err != nil {
		t.Fatal(err)
	}
	tarball.Write(zipped(t, head.Bytes()))
	tarball.Write(bytes.Repeat(zipped(t, zeros), parts)) // gzip files one after the other are one
	tarball.Write(zipped(t, make([]byte, 2*tarBlock)))

	var deflated, zipball bytes.Buffer
	d, err := flate.NewWriter(&deflated, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = d.Write(zeros)
	_ = d.Close()
	w := zip.NewWriter(&zipball)
	for i := range parts {
		f, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(zeros),
			CompressedSize64: uint64(deflated.Len()), UncompressedSize64: part})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write(deflated.Bytes())
	}
	_ = w.Close()
	return map[string][]byte{"tar.gz": tarball.Bytes(), "zip": zipball.Bytes()}
}

// A bomb is noticed long before the limit of bytes.
func TestBombs(t *testing.T) {
	for kind, b := range bombs(t) {
		dir, err := unpack(t, b, Options{})
		if !paas.IsKind(err, paas.TooLarge) || !strings.Contains(paas.Public(err).Msg, "100 times its size") {
			t.Errorf("%s: %v", kind, err)
		}
		var used int64
		_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				used += info.Size()
			}
			return nil
		})
		if used > ratioFreeBytes+1<<20 {
			t.Errorf("%s: %d MB were written", kind, used>>20)
		}
	}
}

// A zip whose directory lists far more entries than may be taken must not fill the memory first.
func TestZipWithHugeDirectory(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	name := strings.Repeat("x", 60000)
	for i := range 700 {
		if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i) + name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(t, b.Bytes(), Options{}); !paas.IsKind(err, paas.TooLarge) {
		t.Errorf("%v", err)
	}
}

func TestDamaged(t *testing.T) {
	noise := make([]byte, 20<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	items := []item{{name: "a/1", text: string(noise[:10<<10])}, {name: "a/2", text: string(noise[10<<10:])}}
	plain := makeTar(t, items...)
	for kind, b := range map[string][]byte{"tar": plain, "tar.gz": zipped(t, plain), "zip": makeZip(t, items...)} {
		for n := 1; n < len(b); n += 311 {
			if kind == "tar" && n > len(b)-1024 {
				break // only the second of the two blocks at the end is missing
			}
			if _, err := unpack(t, b[:n], Options{}); !paas.IsKind(err, paas.Invalid) {
				t.Errorf("%s cut off after %d of %d bytes: %v", kind, n, len(b), err)
			}
		}
		if kind == "tar" {
			// Between two entries package tar sees nothing missing.
			if _, err := unpack(t, b[:512+10<<10], Options{}); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), "cut off") {
				t.Errorf("cut off after an entry: %v", err)
			}
			continue
		}
		bad := bytes.Clone(b)
		bad[len(bad)/2] ^= 0x55
		if _, err := unpack(t, bad, Options{}); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s with a flipped byte: %v", kind, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": {}, "text": []byte("hello, this is no archive"), "gzipped text": zipped(t, []byte(strings.Repeat("hello ", 200))),
		"7z": []byte("7z\xbc\xaf\x27\x1c and so on"), "rar": []byte("Rar!\x1a\x07\x01\x00"), "xz": []byte("\xfd7zXZ\x00"),
		"gzip that goes on": zipped(t, append(plain, make([]byte, 2<<20)...)), "gzip with rubbish behind": append(zipped(t, plain), "rubbish"...),
	} {
		if _, err := unpack(t, b, Options{}); !paas.IsKind(err, paas.Invalid) || paas.Public(err).Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncryptedZip(t *testing.T) {
	b := makeZip(t, item{name: "secret.txt", text: "x"})
	for _, sig := range []struct {
		magic string
		flags int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		b[bytes.Index(b, []byte(sig.magic))+sig.flags] |= 1
	}
	_, err := unpack(t, b, Options{})
	if !paas.IsKind(err, paas.Invalid) || !strings.Contains(paas.Public(err).Msg, `"secret.txt" in the archive is encrypted`) {
		t.Errorf("%v", err)
	}
}

func TestUnusualCompression(t *testing.T) {
	b := makeZip(t, item{name: "a.txt", text: "x"})
	for _, sig := range []struct {
		magic  string
		method int
	}{{"PK\x03\x04", 8}, {"PK\x01\x02", 10}} {
		b[bytes.Index(b, []byte(sig.magic))+sig.method] = 14 // LZMA
	}
	if _, err := unpack(t, b, Options{}); !paas.IsKind(err, paas.Invalid) || !strings.Contains(err.Error(), "unusual way") {
		t.Errorf("%v", err)
	}
}

func TestSymlinks(t *testing.T) {
	lnk := func(name, target string) item {
		return item{name: name, link: target, typ: tar.TypeSymlink, mode: fs.ModeSymlink | 0o777}
	}
	for _, c := range []struct {
		name  string
		items []item
		want  string // part of the message; "" is success
	}{
		{"beside", []item{{name: "x", text: "1"}, lnk("a", "x")}, ""},
		{"up and inside", []item{{name: "x/y", text: "1"}, lnk("a/b", "../x/y")}, ""},
		{"to a directory", []item{{name: "x/y", text: "1"}, lnk("a", "x/")}, ""},
		{"nowhere", []item{{name: "x", text: "1"}, lnk("a", "later/made")}, ""},
		{"to the root", []item{{name: "x", text: "1"}, lnk("a/b", "..")}, ""},
		{"outside", []item{{name: "x", text: "1"}, lnk("a", "../x")}, "leads outside"},
		{"outside from below", []item{{name: "x", text: "1"}, lnk("a/b", "../../x")}, "leads outside"},
		{"absolute", []item{{name: "x", text: "1"}, lnk("a", "/etc/passwd")}, "absolute"},
		{"up after a name", []item{{name: "x", text: "1"}, lnk("a", "x/../../y")}, `".." after a name`},
		{"up after a link", []item{{name: "d1/d2/f", text: "1"}, lnk("d1/d2/l", "../.."), lnk("out", "d1/d2/l/../..")}, `".." after a name`},
		{"a file through a link", []item{lnk("a", "x"), {name: "x/y", text: "1"}, {name: "a/z", text: "2"}}, "twice"},
		{"a link through a link", []item{{name: "x/y", text: "1"}, lnk("a", "x"), lnk("a/b", "y")}, "twice"},
		{"two links of one name", []item{{name: "x", text: "1"}, lnk("a", "x"), lnk("a", "y")}, "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, b := range map[string][]byte{"tar": makeTar(t, c.items...), "zip": makeZip(t, c.items...)} {
				_, err := unpack(t, b, Options{AllowSymlinks: true, Exact: true})
				if c.want == "" && err != nil || c.want != "" && (!paas.IsKind(err, paas.Invalid) || !strings.Contains(paas.Public(err).Msg, c.want)) {
					t.Errorf("%s: %v, want %q", kind, err, c.want)
				}
			}
		})
	}
	// Inside the top directory's parent, but outside once that directory is taken off.
	if _, err := unpack(t, makeTar(t, item{name: "top/x", text: "1"}, lnk("top/a", "../x")), Options{AllowSymlinks: true}); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("a link above a top directory that was taken off: %v", err)
	}
	dir, err := unpack(t, makeTar(t, item{name: "top/x", text: "1"}, lnk("top/d/a", "../x")), Options{AllowSymlinks: true})
	if got := listing(t, dir); err != nil || got != "d/a -> ../x\n644 x=1" {
		t.Errorf("%q %v", got, err)
	}
}

func TestExact(t *testing.T) {
	dir, err := unpack(t, makeTar(t, item{name: "only/.DS_Store", text: "x"}, item{name: "only/._a", text: "y"}), Options{Exact: true})
	if got := listing(t, dir); err != nil || got != "644 only/.DS_Store=x\n644 only/._a=y" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := unpack(t, makeTar(t), Options{Exact: true}); err != nil {
		t.Errorf("a commit without files: %v", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := UnpackTar(ctx, bytes.NewReader(makeTar(t, item{name: "a", text: "x"})), t.TempDir(), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := Pack(ctx, "testdata-that-is-not-there", io.Discard); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("%v", err)
	}
}

// FuzzUnpack: whatever the bytes, nothing appears outside, nothing but files, directories and links that stay inside
// does inside, and the limits hold.
func FuzzUnpack(f *testing.F) {
	lnk := item{name: "d/l", link: "../a", typ: tar.TypeSymlink, mode: fs.ModeSymlink | 0o777}
	items := []item{{name: "top/a", text: "x"}, {name: "top/../b", text: "y"}, {name: "/c"}, lnk}
	for _, b := range [][]byte{makeTar(f, items[0], lnk), makeZip(f, items[0], lnk), makeTar(f, items...), makeZip(f, items...), zipped(f, makeTar(f, items[0]))} {
		f.Add(b, true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, exact bool) {
		dir, err := unpack(t, b, Options{Files: 50, Bytes: 1 << 20, AllowSymlinks: true, Exact: exact})
		if err != nil && paas.Public(err).Kind == paas.Internal {
			t.Errorf("not explained: %v", err)
		}
		entries, size := 0, int64(0)
		werr := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			entries++
			size += info.Size()
			switch {
			case d.Type()&fs.ModeSymlink != 0:
				if real, err := filepath.EvalSymlinks(path); err == nil && real != dir && !strings.HasPrefix(real, dir+"/") {
					t.Errorf("%s leads to %s", path, real)
				}
			case !d.IsDir() && info.Mode() != 0o644 && info.Mode() != 0o755:
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		})
		if werr != nil || entries > 51 || size > 2<<20 {
			t.Errorf("%d entries, %d bytes, %v", entries, size, werr)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"a/b", "../a", "/a", "a/../b", "./a", "a//b", "", ".", "a\x00b", "..\\a"} {
		f.Add(s, "../x")
	}
	f.Fuzz(func(t *testing.T, name, target string) {
		clean, err := cleanName(name)
		if err != nil {
			return
		}
		if clean != "." && !filepath.IsLocal(clean) || len(clean) > maxNameBytes {
			t.Errorf("%q became %q", name, clean)
		}
		if checkTarget(clean, target) == nil && !filepath.IsLocal(filepath.Join(filepath.Dir(clean), target)) {
			t.Errorf("a link at %q may lead to %q", clean, target)
		}
	})
}
