package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cloudsania/cloudsania/api"
)

// world is one installation: a data directory, control, and the edge that control started.
type world struct {
	program string
	data    string
	ports   [2]int // HTTP, HTTPS
	opts    options
	control *exec.Cmd
	ended   chan struct{} // closed when control has
	log     *os.File
	token   string
}

func newWorld(program, data string, opts options) (*world, error) {
	w := &world{program: program, data: data, opts: opts}
	var err error
	w.ports, err = freePorts()
	return w, err
}

// freePorts holds both until it knows them, so that they differ.
func freePorts() (ports [2]int, err error) {
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

func (w *world) addr(i int) string { return "127.0.0.1:" + strconv.Itoa(w.ports[i]) }

// start runs control and returns when it answers through the edge.
func (w *world) start(ctx context.Context) error {
	if err := w.layOut(); err != nil {
		return err
	}
	args := []string{"serve", "--data", w.data, "--domain", "localhost", "--tls", "off", "--http", w.addr(0), "--https", w.addr(1)}
	if w.opts.BaseTree != "" {
		args = append(args, "--base-tree", w.opts.BaseTree)
	}
	// Not bound to ctx: it is ended in order, after what talks to it.
	w.control = exec.Command(w.program, args...)
	w.control.Env = environment(os.Environ())
	w.control.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	w.control.Stdout, w.control.Stderr = w.log, w.log
	if err := w.control.Start(); err != nil {
		return fmt.Errorf("start control: %w", err)
	}
	w.ended = make(chan struct{})
	go func() { defer close(w.ended); _ = w.control.Wait() }()
	return w.answering(ctx)
}

// layOut makes the data directory, whose languages are kept between runs where there is a place for it.
func (w *world) layOut() (err error) {
	if err := os.MkdirAll(w.data, 0o711); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if w.log, err = os.OpenFile(w.data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("open control's log: %w", err)
	}
	if w.opts.Runtimes == "" {
		return nil
	}
	if err := os.MkdirAll(w.opts.Runtimes, 0o755); err != nil {
		return fmt.Errorf("make the runtimes' directory: %w", err)
	}
	return os.Symlink(w.opts.Runtimes, filepath.Join(w.data, "runtimes"))
}

func (w *world) answering(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	v := w.visitor("")
	for {
		if code, _, err := v.get(ctx, "/"); err == nil && code < 500 { // before the claim most pages are "not found": that is control's answer, too
			return nil
		}
		select {
		case <-w.ended:
			return fmt.Errorf("control ended\n%s", w.said())
		case <-ctx.Done():
			return fmt.Errorf("control does not answer: %w\n%s", ctx.Err(), w.said())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

const assembling = 30 * time.Minute // a base over a slow line

// ready waits until the builder is.
func (w *world) ready(ctx context.Context, say func(string, ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, assembling)
	defer cancel()
	var last string
	for {
		var d struct {
			Builder struct {
				Ready          bool
				Message, Error string
			}
		}
		out, err := w.cli(ctx, "doctor", "--json") // exits with an error while something is not well
		if jsonErr := json.Unmarshal([]byte(out), &d); jsonErr != nil {
			return errors.Join(err, jsonErr)
		}
		if d.Builder.Ready {
			return nil
		}
		if now := strings.TrimSpace(d.Builder.Message + " " + d.Builder.Error); now != last {
			say("  %s", now)
			last = now
		}
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("the builder is not ready: %s: %w", last, err)
		}
	}
}

// client speaks to control as the machine's administrator.
func (w *world) client() (*api.Client, error) {
	return api.NewClient(api.Options{Socket: filepath.Join(w.data, "control.sock"), UserAgent: "bench"})
}

// cli runs a command of the program and returns what it printed.
func (w *world) cli(ctx context.Context, args ...string) (string, error) {
	return run(command(ctx, w.program, append(args, "--data", w.data)...))
}

// read runs a command with --json and decodes its answer.
func (w *world) read(ctx context.Context, into any, args ...string) error {
	out, err := w.cli(ctx, append(args, "--json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("cloudsania %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// said is the end of control's log.
func (w *world) said() string { return end(contents(w.data + ".log")) }

// remove takes away everything that this installation made on the machine.
func (w *world) remove(ctx context.Context, say func(string, ...any)) error {
	w.stop()
	err := removing(ctx, w.data, say, func() error {
		_, err := run(command(ctx, w.program, "remove", "--purge", "--data", w.data))
		return err
	})
	if w.log != nil {
		err = errors.Join(err, w.log.Close())
	}
	if err != nil {
		return err // what tells what is left is needed to remove it
	}
	return os.RemoveAll(w.data)
}

// removing does that, waits for the edge to end, and removes images that were forgotten.
func removing(ctx context.Context, data string, say func(string, ...any), do func() error) error {
	edges := edgePIDs(data)
	images, made := imagesOf(data)
	err := errors.Join(do(), awaitEnd(ctx, edges, data))
	if !made {
		return err
	}
	n, sweepErr := images.sweep(ctx)
	if n > 0 {
		say("  %d names of images were left behind and are removed now", n)
	}
	return errors.Join(err, sweepErr)
}

// stop ends control as a service manager would.
func (w *world) stop() {
	if w.ended == nil {
		return
	}
	_ = w.control.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.ended:
	case <-time.After(30 * time.Second):
		_ = w.control.Process.Kill()
		<-w.ended
	}
}
