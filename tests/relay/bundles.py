"""Trials of bundles of several transactions (see run.py): all of them in one block, or none, whatever the relay does and
whenever the host is killed; and none of them ever in the public pool.
"""
import json
import time

from rig import COUNTER, TARGET, journal
from troubles import FAILS, hit

FLIPS = "0x00000000000000000000000000000000000f11b5"  # a counter like TARGET, until it is made to revert
REVERTS = "0x60006000fd"


class Bundles:
    """Relay trials of run.py, whose rig they use."""

    def bundles(self):
        return (self.whole, self.refused_whole, self.reverts_later, self.given_up, self.late_to_take_back, self.broken_word,
                self.alone, self.killed_with_bundle, self.killed_at_random)

    def send_bundle(self, name, *calls, **more):
        calls = [call if isinstance(call, dict) else {"to": TARGET, "data": hit(call)} for call in calls]
        return self.send(name, calls, how="relay_bundle", **more)

    def attempts(self, name):
        """Of an intent: (leg, nonce, hash), in order."""
        with journal(self.folder) as db:
            rows = db.execute("select leg, nonce, hash from attempt a join intent i on i.number = a.intent where i.id = ? "
                              "order by leg, attempt", (name,)).fetchall()
        return [(leg, int(nonce), bytes(h).hex() if isinstance(h, bytes) else h) for leg, nonce, h in rows]

    def leaked_from(self, *numbers):
        return any(hit(number)[2:] in raw for raw in self.public.seen for number in numbers)

    def reason(self, name):
        return json.loads(self.steps(name)[-1][2]).get("reason", "")

    # ---- trials ----

    def no_bundles(self):
        """The relay is of the raw form here."""
        self.send_bundle("nowhere", 50, 51)
        words = self.until("nowhere", "REFUSED", seconds=5)
        self.check("a chain without a relay that takes bundles refuses them, with what to set", words[-1] == "REFUSED"
                   and "no relay that takes bundles" in self.reason("nowhere"), (words, self.steps("nowhere")[-1:]))

    def whole(self):
        self.restart(relay_auth="auth", relay_form="flashbots", route="public", relay_fallback=True)  # whatever is set
        self.mode("include")
        self.send_bundle("whole", 60, 61, 62)
        words = self.until("whole", "CONFIRMED")
        came, tries = self.requests(), self.attempts("whole")
        hashes = [f"0x{h.removeprefix('0x')}" for _, _, h in tries]
        receipts = [self.node.call("eth_getTransactionReceipt", h) for h in hashes]
        first = tries[0][1] if tries else 0
        self.check("three calls are three transactions of one bundle, in one block, in their order", words[-1] == "CONFIRMED"
                   and [self.count(n) for n in (60, 61, 62)] == [1, 1, 1] and len(tries) == 3 and all(receipts)
                   and len({r["blockHash"] for r in receipts}) == 1
                   and [nonce for _, nonce, _ in tries] == [first, first + 1, first + 2]
                   and all(r["hashes"] == hashes for r in came), (words, tries, came))
        self.check("none of them was in the public pool by hawse", not self.public.seen, self.public.seen)
        self.check("the relay is asked what the whole of it would do", self.ask("/state")["called"] > 0
                   and "the relay says: the bundle would succeed" in self.host.logs()[-1], self.host.logs()[-1])

    def refused_whole(self):
        self.mode("include")
        before = self.node.call("eth_getTransactionCount", self.addresses["bot"], "latest")
        self.node.call("anvil_setCode", FAILS, REVERTS)
        self.send_bundle("hopeless", 63, {"to": FAILS, "data": hit(1)})
        words = self.until("hopeless", "REFUSED")
        self.check("a bundle of which one would fail is refused as a whole, unsigned", words[-1] == "REFUSED"
                   and self.count(63) == 0 and not self.attempts("hopeless") and not self.requests()
                   and self.node.call("eth_getTransactionCount", self.addresses["bot"], "latest") == before, words)

    def reverts_later(self):
        self.node.call("anvil_setCode", FLIPS, COUNTER)
        self.mode("keep")
        self.send_bundle("flips", 64, {"to": FLIPS, "data": hit(1)})
        self.until("flips", "SEEN", mine=False)
        self.node.call("anvil_setCode", FLIPS, REVERTS)
        self.ask("/control", {"mode": "include"})
        words = self.until("flips", "FAILED", seconds=25)
        self.check("one that fails by now keeps the whole bundle out of the chain", words[-1] == "FAILED"
                   and self.count(64) == 0 and not self.leaked_from(64) and self.ask("/state")["built"][-1]["txs"] != 2,
                   (words, self.reason("flips")))
        self.check("... and the relay's word on which one is in the log", "transaction 2 of 2 would fail" in self.host.logs()[-1],
                   self.host.logs()[-1])

    def given_up(self):
        self.mode("keep")
        self.send_bundle("never", 65, 66, 67)
        words = self.until("never", "FAILED", seconds=25)
        state, tries = self.ask("/state"), self.attempts("never")
        first = tries[0][1] if tries else 0
        self.check("a bundle that no block took has each nonce taken by an empty transaction", words[-1] == "FAILED"
                   and [self.count(n) for n in (65, 66, 67)] == [0, 0, 0] and len(tries) >= 6 and not self.leaked_from(65, 66, 67)
                   and {nonce for _, nonce, _ in tries} == {first, first + 1, first + 2} and len(self.public.seen) >= 3
                   and len({r["block"] for r in state["requests"]}) <= 6 and len(state["canceled"]) == 2,
                   (words, tries, state["canceled"], len(self.public.seen)))
        self.mode("include")
        self.send_bundle("after", 68, 69)
        words = self.until("after", "CONFIRMED")
        self.check("and the next bundle goes on behind it", words[-1] == "CONFIRMED" and self.count(68) == self.count(69) == 1
                   and [self.count(n) for n in (65, 66, 67)] == [0, 0, 0], words)

    def late_to_take_back(self):
        """Nothing can be simulated when it is to be taken back, and so nothing be signed."""
        self.mode("keep")
        self.send_bundle("late", 77, 78)
        self.until("late", "SEEN", mine=False)
        self.public.simulates = False
        self.mine(10)  # its ranges are over
        waits = self.words("late")
        self.public.simulates = True
        words = self.until("late", "FAILED", seconds=20)
        self.check("what cannot be taken back at once is taken back later", "REPLACED" not in waits and words[-1] == "FAILED"
                   and self.count(77) == self.count(78) == 0 and not self.leaked_from(77, 78), (waits, words))

    def broken_word(self):
        self.mode("part")
        self.send_bundle("part", 70, 71)
        words = self.until("part", "FAILED", seconds=25)
        self.check("where a builder takes a part alone the rest is taken back, and the intent says so", words[-1] == "FAILED"
                   and self.count(70) == 1 and self.count(71) == 0 and not self.leaked_from(70, 71)
                   and "a part of the bundle" in self.reason("part"), (words, self.reason("part")))

    def alone(self):
        self.mode("keep")
        self.send_bundle("first", 72, 73)
        self.until("first", "SEEN", mine=False)
        self.send("beside", [{"to": TARGET, "data": hit(74)}], route="public")
        self.mine(2)
        waits = "SENT" not in self.words("beside")
        self.ask("/control", {"mode": "include"})
        words = self.until("first", "CONFIRMED", seconds=20)
        self.until("beside", "CONFIRMED", seconds=20)
        self.check("while a bundle is out nothing else of its account is sent", waits and words[-1] == "CONFIRMED"
                   and [self.count(n) for n in (72, 73, 74)] == [1, 1, 1], (waits, words, self.words("beside")))

    def killed_with_bundle(self):
        """Signed and journalled, and with no relay as yet; then with it."""
        self.mode("down")
        self.send_bundle("signed", 75, 76)
        self.until("signed", "SENT", mine=False)
        self.host.kill()
        before = self.attempts("signed")
        self.mode("keep")
        self.host.start()
        end = time.monotonic() + 10
        while not self.requests() and time.monotonic() < end:
            self.mine(1)
        self.host.kill()
        self.ask("/control", {"mode": "include"})
        self.host.start()
        words = self.until("signed", "CONFIRMED", seconds=20)
        self.check("a host that is killed after it signed, and again when the relay has it, sends the same bytes once",
                   words[-1] == "CONFIRMED" and self.count(75) == self.count(76) == 1 and self.attempts("signed") == before
                   and len(before) == 2 and not self.leaked_from(75, 76), (words, before, self.attempts("signed")))

    def killed_at_random(self):
        ends = []
        for i in range(4):
            name, numbers = f"random{i}", (80 + 2 * i, 81 + 2 * i)
            self.mode("include" if i % 2 else "keep")
            self.send_bundle(name, *numbers)
            time.sleep(0.013 * (i + 1))
            self.host.kill()
            self.host.start()
            words = self.until(name, "CONFIRMED", seconds=25) or ["never taken"]
            counts = [self.count(n) for n in numbers]
            wanted = [1, 1] if words[-1] == "CONFIRMED" else [0, 0]
            ends.append((words[-1], counts, counts == wanted and not self.leaked_from(*numbers)))
        self.check("a host that is killed at any moment executes a bundle whole, once, or not at all",
                   all(good for _, _, good in ends) and {e for e, _, _ in ends} <= {"CONFIRMED", "FAILED", "EXPIRED"}, ends)
