"""What trials of a running host share: ports, waiting, a host that is started and ended again and again, and TAP.

A trial puts this folder on its path:
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
"""
import os
import signal
import socket
import subprocess
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds, pause=0.05):
    """Asks until the answer is true, or the time is over; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(pause)


class Results:
    """Checks by name, told as TAP at the end."""

    def __init__(self):
        self.rows, self.notes = [], []

    def check(self, name, good, detail=""):
        self.rows.append((name, None if good else str(detail)[-2500:]))

    @property
    def good(self):
        return all(why is None for _, why in self.rows)

    def report(self):
        """TAP; the number of failures."""
        return report(self.rows, self.notes)


def report(results, notes=()):
    """TAP of (name, None or why not); the number of failures."""
    for note in notes:
        print(f"# {note}")
    failed = 0
    for number, (name, why) in enumerate(results, 1):
        failed += why is not None
        for line in (why or "").splitlines():
            print(f"# {line}")
        print(f"{'ok' if why is None else 'not ok'} {number} - {name}")
    print(f"1..{len(results)}")
    return failed


def end(process):
    """Ends a process that this trial began, whatever its state."""
    if process and process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


class Host:
    """`hawse run`, again and again, each time with a log of its own."""

    def __init__(self, program, plugins, folder, config_text):
        self.command = [str(program), "run", str(folder / "hawse.json")]
        self.env = {**os.environ, "HAWSE_PLUGIN_PATH": str(plugins)}
        self.folder, self.process, self.starts = folder, None, 0
        (folder / "hawse.json").write_text(config_text)

    def start(self):
        self.starts += 1
        with open(self.folder / f"host-{self.starts}.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT, env=self.env,
                                            cwd=self.folder)

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it had to be killed"

    def logs(self):
        return [(self.folder / f"host-{n + 1}.log").read_text(errors="replace") for n in range(self.starts)]
