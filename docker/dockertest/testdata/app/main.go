// Command app is the one program in dockertest's image. Its first argument chooses what it does; without one it serves HTTP.
//
//	listen ADDR…     serves HTTP there (default :$PORT, else :8080), answering $TEXT or "hello"
//	sleep            says "asleep", does nothing more and, like most programs, has no handler for SIGTERM
//	hog MB           takes so much memory and keeps it
//	child-hog MB     the same in a child, then ends with 3
//	say CODE OUT ERR writes OUT to stdout and ERR to stderr, and ends with CODE
//	count N          writes N lines, one each 50 ms
//	long N           writes one line of N bytes
//	env              writes its environment, sorted
//	status           writes /proc/self/status
//	init             writes the name of process 1
//	write FILE TEXT  writes a file
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"listen"}
	}
	if err := do(args[0], args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(what string, args []string) error {
	switch what {
	case "listen":
		return listen(args)
	case "sleep":
		defaultAction(syscall.SIGTERM)
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	case "hog":
		hog(number(args[0]))
	case "child-hog":
		p, err := os.StartProcess("/proc/self/exe", []string{"app", "hog", args[0]}, &os.ProcAttr{})
		if err != nil {
			return err
		}
		_, _ = p.Wait()
		os.Exit(3)
	case "say":
		fmt.Fprintln(os.Stdout, args[1])
		fmt.Fprintln(os.Stderr, args[2])
		os.Exit(number(args[0]))
	case "count":
		for i := range number(args[0]) {
			fmt.Println("line", i)
			time.Sleep(50 * time.Millisecond)
		}
	case "long":
		fmt.Println(strings.Repeat("x", number(args[0])))
	case "env":
		env := os.Environ()
		slices.Sort(env)
		fmt.Println(strings.Join(env, "\n"))
	case "status":
		return print("/proc/self/status")
	case "init":
		return print("/proc/1/comm")
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	default:
		return fmt.Errorf("%q is unknown", what)
	}
	return nil
}

func listen(addrs []string) error {
	if len(addrs) == 0 {
		port := os.Getenv("PORT")
		if port == "" {
			port = "8080"
		}
		addrs = []string{":" + port}
	}
	text := os.Getenv("TEXT")
	if text == "" {
		text = "hello"
	}
	failed := make(chan error)
	for _, a := range addrs {
		network := "tcp"
		if strings.HasPrefix(a, "0.0.0.0:") {
			network = "tcp4" // Go would listen on [::] too
		}
		go func() {
			l, err := net.Listen(network, a)
			if err == nil {
				err = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
			}
			failed <- err
		}()
	}
	return <-failed
}

func hog(mb int) {
	b := make([]byte, mb<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	fmt.Println("have", mb)
	time.Sleep(time.Hour)
	runtime.KeepAlive(b)
}

// defaultAction takes Go's own handler away: the kernel then ignores the signal in process 1 and ends any other.
func defaultAction(s syscall.Signal) {
	var dfl [4]uint64 // an all-zero sigaction is SIG_DFL, in any order of its fields
	if _, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&dfl)), 0, 8, 0, 0); e != 0 {
		panic(e)
	}
}

func print(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(b)
	return err
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}
