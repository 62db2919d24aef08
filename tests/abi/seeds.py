#!/usr/bin/env python3
"""Changes of the ABI that somebody might make by accident, each made in a copy of the headers: the gate must refuse every one
and name it, and let pass what may be done. Prints TAP.

    seeds.py

Owns: copies of the headers in a folder of its own. Must never: touch the headers themselves.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import net
from net import ROOT

LAYOUT = ROOT / "sdk/abi"
INCLUDE = ROOT / "sdk/include"
BROKEN = [  # what, file, from, to, what the gate must say, the struct that the second net must name
    ("a field inserted", "hawse.h", "    uint64_t seq; ", "    uint64_t lane;\n    uint64_t seq; ",
     "struct hawse_event field seq offset 24 width 8", "hawse_event"),
    ("a field removed", "service/rpc.h", "    uint64_t tag;          /* comes back in the event */\n", "",
     "struct hawse_rpc_call field tag offset 56", "hawse_rpc_call"),
    ("two arguments of one type swapped", "service/timer.h", "uint64_t period_ns, uint64_t tag", "uint64_t tag, uint64_t period_ns",
     "struct hawse_timer_service declares int32_t (*set)", None),
    ("a type widened", "service/intent.h", "uint32_t call_count, call_size;", "uint64_t call_count, call_size;",
     "struct hawse_intent field call_size offset", "hawse_intent"),
    ("a handle narrowed, which is a field of no struct", "types.h", "typedef uint64_t hawse_metric_t;", "typedef uint32_t hawse_metric_t;",
     "struct hawse_metrics_service field add type", "hawse_metrics_service"),
    ("signed for unsigned", "space/market.h", "    int32_t tick_exponent;", "    uint32_t tick_exponent;",
     "struct hawse_market_info field tick_exponent type int32_t", "hawse_market_info"),
    ("an array made longer", "service/intent.h", "uint8_t to[20];", "uint8_t to[28];",
     "struct hawse_intent_call field value offset 32", "hawse_intent_call"),
    ("an enum value moved", "types.h", "X(-5, STALE,", "X(-20, STALE,", "constant HAWSE_E_STALE -5", None),
    ("a code given twice", "types.h", "X(-18, REMOTE,", "X(-17, REMOTE,", "two errors have the code -17", None),
    ("the number of an event moved", "space/host.h", "#define HAWSE_HOST_TIMER        1u", "#define HAWSE_HOST_TIMER        9u",
     "constant HAWSE_HOST_TIMER 1", None),
    ("the id of a service moved", "service/http.h", 'ID "hawse.http/1"', 'ID "hawse.http/2"', "constant HAWSE_HTTP_ID hawse.http/1", None),
    ("a function put before another", "service/timer.h", "    uint32_t reserved;\n",
     "    uint32_t reserved;\n\n    /* [lane] First. */\n    int32_t (*first)(const hawse_host_t *host);\n",
     "struct hawse_timer_service field set offset 8", "hawse_timer_service"),
    ("a function renamed", "service/sub.h", "(*unsubscribe)", "(*leave)",
     "struct hawse_sub_service field unsubscribe offset 32", None),
    ("an argument added", "hawse.h", "int32_t (*start)(void *state);", "int32_t (*start)(void *state, uint32_t again);",
     "struct hawse_plugin field start type int32_t (*)(void *)", "hawse_plugin"),
    ("const taken away", "hawse.h", "const hawse_event_t *const *events", "hawse_event_t *const *events",
     "struct hawse_plugin field on_events type", "hawse_plugin"),
    ("the owner of what is handed in changed", "hawse.h", "[lane, started; borrows events]", "[lane, started; gives events]",
     "struct hawse_plugin function on_events borrows events", None),
    ("how long something is lent changed", "service/sub.h", "lends return until the callback returns", "lends return for the process",
     "struct hawse_sub_service function reserve lends return until", None),
    ("the owner no longer said", "service/rpc.h", "[lane; borrows call, fills request]", "[lane; fills request]",
     "its tag must say whose these are: call, request", None),
    ("a thread narrowed", "hawse.h", "[any] Deliver an event", "[lane] Deliver an event",
     "struct hawse_host function post thread [any]", None),
    ("a struct without a size grew", "types.h", "    uint64_t limb[4];", "    uint64_t limb[4];\n    uint64_t sign;",
     "struct hawse_u256 size 32", "hawse_u256"),
    ("keys computed in another way", "hawse.h", "0xff51afd7ed558ccdu", "0xff51afd7ed558ccfu", "hawse_key 1 ", None),
    ("padding that nobody named", "space/stream.h", "    uint64_t count;  /*", "    uint32_t lost;\n    uint64_t count;  /*",
     "hawse_stream_range: 4 unnamed bytes before count", "hawse_stream_range"),
]
ALLOWED = [
    ("a field appended to a struct with a size", "space/stream.h",
     "    uint64_t count;  /*", "    uint64_t count;  /* */\n    uint64_t lost; /*", "hawse_stream_range"),
    ("a function appended to a service", "service/timer.h", "} hawse_timer_service_t;",
     "\n    /* [lane] More. */\n    int32_t (*more)(const hawse_host_t *host, hawse_instance_t self);\n} hawse_timer_service_t;",
     "hawse_timer_service"),
    ("a constant added", "hawse.h", "#define HAWSE_LOG_DEBUG 3u", "#define HAWSE_LOG_TRACE 4u\n#define HAWSE_LOG_DEBUG 3u", None),
    ("a comment put better", "hawse.h", "Begin: open streams, set timers.", "Open streams and set timers here.", None),
]
class Trial:
    def __init__(self, folder):
        self.folder, self.count, self.failed = folder, 0, 0

    def check(self, name, good, detail=""):
        self.count += 1
        self.failed += not good
        if not good:
            print("# " + str(detail)[-1500:].replace("\n", "\n# "))
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)

    def change(self, file, old, new):
        include = self.folder / f"include{self.count}"
        shutil.copytree(INCLUDE, include)
        path = include / "hawse" / file
        text = path.read_text()
        assert text.count(old) >= 1, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))
        return include

    def gate(self, include):
        """What layout.py finds, by one compiler: (caught?, its words). That all agree is the layout stage's."""
        program = ("import pathlib, sys, layout\nfacts, _ = layout.generate(pathlib.Path(sys.argv[1]), {'gcc': ['-std=c11']}, None)\n"
                   "gone = layout.lost(layout.read(layout.RELEASED), facts)\nsys.exit('\\n'.join(gone) or 0)")
        done = subprocess.run([sys.executable, "-c", program, str(include)], capture_output=True, text=True, cwd=LAYOUT)
        return done.returncode, done.stdout + done.stderr

    def second(self, include):
        return net.changed(INCLUDE, include) if shutil.which("abidiff") else None

    def broken(self, what, file, old, new, says, struct):
        include = self.change(file, old, new)
        code, text = self.gate(include)
        self.check(f"{what}: caught, as \"{says}\"", code == 1 and says in text, text or "nothing was said")
        found = self.second(include) if struct else None
        if found is not None:
            self.check(f"{what}: libabigail names {struct} too", struct in found, found)

    def allowed(self, what, file, old, new, struct):
        include = self.change(file, old, new)
        code, text = self.gate(include)
        self.check(f"{what}: allowed", code == 0, text)
        found = self.second(include)
        self.check(f"{what}: libabigail sees {struct or 'nothing'}", found is None or found == ({struct} if struct else set()), found)


def main():
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(pathlib.Path(folder))
        for seed in BROKEN:
            trial.broken(*seed)
        for seed in ALLOWED:
            trial.allowed(*seed)
    print(f"1..{trial.count}")
    return 1 if trial.failed else 0


if __name__ == "__main__":
    sys.exit(main())
