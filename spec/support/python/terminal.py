"""Runs a program in a pseudo terminal as a person uses one: waits for a text, types, interrupts.

The input is JSON: argv; columns and lines of the terminal; `set` and `unset` of the environment; `redirect`, file
descriptor -> path, in place of the terminal; and steps, each with `wait`, a text to wait for, and then `send`, what is
typed, or `echo`, true to note whether the terminal echoes. Control characters are typed as they are: "\\u0003" is
Ctrl-C. A step with `request`, such as "POST /calendars/", waits until the ledger of a sandbox has a request whose
method and path begin so: `sandbox` of the input has its `url` and `control_token`. One with `release` ends the delay of
the sandbox.

The output is JSON: what the program printed to the terminal, how it ended ("exit" or "signal", and a number), whether
the terminal echoed before, at the noted steps and after.

This process leads the session, and the program is its job in the foreground, as with an interactive shell.
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
import urllib.request

LIMIT = 60  # seconds for the whole run
LEFTOVER_LIMIT = 20  # seconds in which processes of the program may still restore the terminal


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def start(job, slave):
    """Starts the program; returns its process id."""
    ready, go = os.pipe()
    pid = os.fork()
    if pid:
        os.setpgid(pid, pid)
        os.tcsetpgrp(slave, pid)
        os.write(go, b".")
        os.close(go)
        os.close(ready)
        return pid
    try:
        os.read(ready, 1)
        for number in range(1, signal.NSIG):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_DFL)
        redirect = job.get("redirect") or {}
        for fd in (0, 1, 2):
            path = redirect.get(str(fd))
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600) if path else slave, fd)
        os.closerange(3, 256)
        environment = dict(os.environ)
        for name in job.get("unset") or []:
            environment.pop(name, None)
        environment.update(job.get("set") or {})
        os.execvpe(job["argv"][0], job["argv"], environment)
    except BaseException as problem:
        os.write(2, repr(problem).encode())
    finally:
        os._exit(127)


def control(sandbox, name, body=None):
    """Asks the admin interface of a sandbox."""
    headers = {"Authorization": "Bearer " + sandbox["control_token"], "Content-Type": "application/json"}
    request = urllib.request.Request(sandbox["url"] + "/__sandbox/" + name, body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=LIMIT) as response:
        return json.load(response)


def ledger(sandbox):
    """The requests of a sandbox so far, each as its method and path."""
    return ["%s %s" % (entry["method"], entry["path"]) for entry in control(sandbox, "requests")["requests"]]


class Screen:
    def __init__(self, master, deadline):
        self.master, self.deadline, self.output, self.seen = master, deadline, b"", 0

    def read(self, seconds):
        """Whether something was printed within the time."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.output += os.read(self.master, 65536)
        return True

    def wait(self, text):
        text = text.encode()
        while self.output.find(text, self.seen) < 0:
            if time.monotonic() > self.deadline:
                raise SystemExit("%r was not printed after %r" % (text, self.output))
            self.read(0.1)
        self.seen = self.output.index(text, self.seen) + len(text)

    def wait_for_request(self, sandbox, wanted):
        while not any(request.startswith(wanted) for request in ledger(sandbox)):
            if time.monotonic() > self.deadline:
                raise SystemExit("%s was not sent; the program printed %r" % (wanted, self.output))
            self.read(0.02)


def finish(pid, screen):
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            while screen.read(0):
                pass
            return status
        if time.monotonic() > screen.deadline:
            os.killpg(pid, signal.SIGKILL)
            raise SystemExit("the program did not end; it printed %r" % screen.output)
        screen.read(0.02)


def main():
    job = json.load(sys.stdin)
    # The slave stays open here, so that the terminal can be asked after the end.
    master, slave = pty.openpty()
    size = struct.pack("HHHH", job.get("lines", 24), job.get("columns", 80), 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    before, noted = echoes(slave), []
    pid = start(job, slave)
    screen = Screen(master, time.monotonic() + LIMIT)
    for step in job.get("steps") or []:
        if "wait" in step:
            screen.wait(step["wait"])
        if "request" in step:
            screen.wait_for_request(job["sandbox"], step["request"])
        if step.get("release"):
            control(job["sandbox"], "delay", b'{"delay_ms":0}')
        if step.get("echo"):
            noted.append(echoes(slave))
        if "send" in step:
            os.write(master, step["send"].encode())
        if "signal" in step:
            os.kill(pid, getattr(signal, step["signal"]))
    status = finish(pid, screen)
    os.tcsetpgrp(slave, os.getpgrp())
    limit = time.monotonic() + LEFTOVER_LIMIT
    while echoes(slave) != before and time.monotonic() < limit:
        time.sleep(0.02)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    how = ("signal", os.WTERMSIG(status)) if os.WIFSIGNALED(status) else ("exit", os.WEXITSTATUS(status))
    json.dump(
        {
            "output": screen.output.decode("utf-8", "backslashreplace"),
            "how": how[0],
            "code": how[1],
            "echo_before": before,
            "echo_noted": noted,
            "echo_after": echoes(slave),
        },
        sys.stdout,
    )


main()
