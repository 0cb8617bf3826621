#!/usr/bin/python3 -ISB
"""Serve a PHP app: Apache in front, php-fpm behind it. Usage: serve-php [DOCUMENT_ROOT]

Both end together: when one of them exits, the other is stopped and this program fails. SIGTERM, SIGINT and SIGQUIT let requests in
progress finish first.
"""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

GRACE = 28.0  # seconds for requests in progress, before everything is killed
# Blocked and waited for, so that none is missed between a look at the children and the next.
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD}
LAYER = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def memory_limit():
    """Bytes that this container may use, or None."""
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(name) as f:
                limit = int(f.read())
        except (OSError, ValueError):
            continue
        if limit < 1 << 40:
            return limit
    return None


def children():
    """How many PHP processes fit: one takes about 40 MB."""
    limit = memory_limit() or 1 << 30
    return max(4, min(64, (limit - (96 << 20)) // (40 << 20)))


def fail(text):
    print("serve-php: " + text, file=sys.stderr, flush=True)
    sys.exit(1)


def environment(root, run):
    env = dict(os.environ)
    env["APP_ROOT"] = os.getcwd()
    env["DOCUMENT_ROOT"] = root
    env["RUN"] = run
    port = env.setdefault("PORT", "8080")
    if not port.isdigit():
        fail("PORT is not a number: " + port)
    count = env.get("PHP_MAX_CHILDREN", "")
    env["PHP_MAX_CHILDREN"] = count if count.isdigit() and int(count) > 0 else str(children())
    env["PHP_INI_SCAN_DIR"] = os.environ.get("PHP_INI_SCAN_DIR", "") + ":" + LAYER + "/etc"
    return env


def start(args, env):
    # A session of its own: a signal for the container's group must not end a child before its requests.
    return subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, start_new_session=True,
                            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS))


def wait_for(path, process):
    end = time.monotonic() + 20
    while not os.path.exists(path):
        if process.poll() is not None:
            fail("php-fpm ended with code %s before it was ready" % process.returncode)
        if time.monotonic() > end:
            process.kill()
            fail("php-fpm was not ready after 20 seconds")
        time.sleep(0.01)


def wait_until(process, end):
    """Wait for a process, and kill its session at the end of the time."""
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def send(process, number):
    if process.poll() is None:
        process.send_signal(number)


def main():
    run = tempfile.mkdtemp(prefix="serve-php-")
    root = os.path.realpath(sys.argv[1] if len(sys.argv) > 1 else ".")
    if not os.path.isdir(root):
        fail("there is no directory " + root)
    programs = sorted(glob.glob("/usr/sbin/php-fpm*"))
    if not programs or not os.path.exists("/usr/sbin/apache2"):
        fail("Apache and php-fpm are not in this image")
    env = environment(root, run)

    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    fpm = start([programs[-1], "-F", "-y", LAYER + "/etc/php-fpm.conf"], env)
    wait_for(run + "/php-fpm.sock", fpm)
    apache = start(["/usr/sbin/apache2", "-f", LAYER + "/etc/httpd.conf", "-DFOREGROUND"], env)

    ended = None
    while ended is None:
        number = signal.sigwait(SIGNALS)
        if number != signal.SIGCHLD:
            break
        for name, process in (("Apache", apache), ("php-fpm", fpm)):
            if process.poll() is not None:
                ended = "%s ended with code %s" % (name, process.returncode)
                break

    end = time.monotonic() + GRACE
    # Apache's graceful stop finishes requests and accepts none; without php-fpm there is nothing to finish.
    send(apache, signal.SIGWINCH if fpm.poll() is None else signal.SIGTERM)
    wait_until(apache, end)
    send(fpm, signal.SIGQUIT)  # the same for php-fpm
    wait_until(fpm, end)
    if ended:
        fail(ended)


main()
