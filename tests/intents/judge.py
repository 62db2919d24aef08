"""What must be so when all is over: each number was counted once, by one intent; no nonce was used twice or left out; the
journals of all hosts and the chain agree row for row.
"""
import collections
import json
import re
import subprocess

from rig import COUNTER, TARGET, TOTAL, journal

CONFIRMED, ENDS, UNKNOWN = 9, (3, 9, 11, 12), -16
ON_ITS_WAY = (1, 2, 3)  # states of an attempt: signed, sent, mined


def number_of(identity):
    """The number that an intent of the strategy is about; None: it is the host's own."""
    match = re.fullmatch(r"hit-(\d+)(?:\.\d+)?", identity)
    return int(match.group(1)) if match else None


class Books:
    """All journals together."""

    def __init__(self, folders):
        self.intents, self.attempts, self.ends = [], [], []
        for place, folder in enumerate(folders):
            with journal(folder) as db:
                self.intents += [(place, *row) for row in db.execute(
                    "select number, instance, id, step, ended from intent")]
                self.attempts += [(place, *row) for row in db.execute(
                    "select intent, leg, attempt, nonce, sender, hash, state, simulation from attempt")]
                self.ends += [(place, *row) for row in db.execute(
                    f"select intent, step, error, data from step where step in {ENDS}")]

    def confirmed(self):
        """How often each number was confirmed."""
        return collections.Counter(number_of(identity) for _, _, _, identity, step, _ in self.intents
                                   if step == CONFIRMED and number_of(identity) is not None)

    def others(self):
        """How often intents of strategies ended otherwise, by error and reason."""
        own = {(place, number) for place, number, _, identity, _, _ in self.intents if number_of(identity) is None}
        found = collections.Counter()
        for place, number, step, error, data in self.ends:
            if step != CONFIRMED and (place, number) not in own:
                why = json.loads(data)
                words = re.sub(r"0x[0-9a-f]+|\d+", "N", f"{why.get('gate', '')}: {why.get('reason', '')}")
                found[(step, error, words[:110])] += 1
        return found


def judge(results, trial):
    books = Books(trial.folders)
    numbers = trial.count * trial.args.calls
    confirmed = books.confirmed()
    wrong = {n: confirmed[n] for n in range(trial.count) if confirmed[n] != 1}
    results.check("every number was confirmed by one intent", not wrong and len(confirmed) == trial.count,
                  (list(wrong.items())[:20], books.others()))
    ends = collections.Counter((place, number) for place, number, *_ in books.ends)
    open_ones = [row for row in books.intents if ends[row[:2]] != 1]
    results.check("every intent has one terminal step", not open_ones, open_ones[:10])
    code = trial.node.call("eth_getCode", TARGET, "latest")
    results.check("the contract still has its code, without which calls do nothing", code == COUNTER, code)
    counts = trial.node.storage(*("0x" + f"{n:064x}" for n in range(numbers)))
    twice = {n: c for n, c in enumerate(counts) if c != 1}
    results.check("the contract counted each number once", not twice, list(twice.items())[:20])
    total = trial.node.storage(TOTAL)
    results.check("and nothing else", total == numbers, f"{total} of {numbers}")
    judge_chain(results, trial, books)
    unknown = {why: n for why, n in books.others().items() if why[1] == UNKNOWN}
    results.check("of every intent it is known how it ended", not unknown, unknown)
    bare = [row for row in books.attempts if len(row[8]) != 64]
    results.check("every transaction was simulated", not bare, bare[:5])
    told = collections.Counter(trial.told())
    more = [(key, n) for key, n in told.items() if n > 1]
    results.check("no run told a strategy twice of one end", not more, more[:10])
    judge_heard(results, trial, books)
    for (step, error, why), n in books.others().most_common(8):
        results.notes.append(f"{n} ended with step {step}, error {error}: {why}")
    for place, host in enumerate(trial.hosts):
        verify(results, trial, place, host)


WORDS = {3: "refused", 9: "confirmed", 11: "expired", 12: "failed"}


def judge_heard(results, trial, books):
    """Two sinks follow intents: one with a grant for those of producer0, one without any."""
    heard = list(trial.heard())
    ended = {(place, number): step for place, number, step, *_ in books.ends}
    wanted = {(identity, WORDS[ended[(place, number)]]) for place, number, instance, identity, *_ in books.intents
              if instance == "producer0" and (place, number) in ended}
    told = {(identity, end) for _, _, identity, end in heard}
    twice = [key for key, n in collections.Counter(heard).items() if n > 1]
    results.check("a sink hears how intents ended, once, of the instance that it was granted and of no other",
                  heard and {instance for _, instance, *_ in heard} == {"producer0"} and not twice and told <= wanted
                  and (trial.args.kills or told == wanted), (len(told), len(wanted), twice[:5], list(told - wanted)[:5]))


def judge_chain(results, trial, books):
    """Journals and chain, row for row."""
    wrong, mined = [], collections.defaultdict(list)
    by_hash = {row[6]: row for row in books.attempts}
    used = collections.defaultdict(set)
    for place, intent, leg, _, nonce, sender, *_ in books.attempts:
        used[(sender, nonce)].add((place, intent, leg))
    twice = [(key, users) for key, users in used.items() if len(users) > 1]
    results.check("no nonce was given to two transactions", len(by_hash) == len(books.attempts) and not twice, twice[:10])
    for block in trial.node.blocks():
        for tx in block["transactions"]:
            mined[tx["from"]].append(int(tx["nonce"], 16))
            if tx["hash"] in trial.chain.foreign:
                continue
            row = by_hash.pop(tx["hash"], None)
            if not row or row[5] != tx["from"] or row[4] != int(tx["nonce"], 16) or row[7] != 3:
                wrong.append(("on chain", tx["hash"], row))
    wrong += [("in a journal", row) for row in by_hash.values() if row[7] in ON_ITS_WAY]
    results.check("journals and chain agree row for row", not wrong, wrong[:10])
    gaps = []
    for name, address in trial.addresses.items():
        nonces = sorted(mined[address.lower()])
        if nonces != list(range(len(nonces))):
            gaps.append((name, "not contiguous", nonces[:20]))
        for tag in ("latest", "pending"):
            if int(trial.node.call("eth_getTransactionCount", address, tag), 16) != len(nonces):
                gaps.append((name, tag))
    results.check("no nonce was left out", not gaps, gaps)
    judge_pool(results, trial, {row[6]: row for row in books.attempts}, {a: len(n) for a, n in mined.items()})
    trial.mined = sum(map(len, mined.values()))


def judge_pool(results, trial, by_hash, counts):
    """Nothing that could still be mined. A node may keep what lost its nonce to another one (after a reorganisation
    anvil does, now and then): that can't be, and is only noted."""
    alive = []
    for sort, senders in trial.node.call("txpool_content").items():
        for sender, queue in senders.items():
            for tx in queue.values():
                nonce, count = int(tx["nonce"], 16), counts.get(sender.lower(), 0)
                line = (sort, sender, nonce, f"{count} mined", tx["hash"], "journal:", by_hash.get(tx["hash"]))
                if nonce >= count:
                    alive.append(line)
                else:
                    results.notes.append(f"the pool keeps what can't be mined: {line}")
    results.check("nothing that could be mined is left in the pool", not alive, alive[:10])


def verify(results, trial, place, host):
    which = f" of host {place}" if len(trial.hosts) > 1 else ""
    done = subprocess.run([str(trial.args.hawse), "replay", str(host.folder / "capture.hrec")], capture_output=True,
                          text=True, timeout=300, env=host.env)
    results.check(f"the last run{which} replays, intents and all", done.returncode == 0, done.stdout + done.stderr)
    done = subprocess.run([str(trial.args.hawse), "journal", "verify", str(host.folder / "state/journal.db")],
                          capture_output=True, text=True, timeout=120)
    results.check(f"the journal{which} verifies", done.returncode == 0, done.stdout + done.stderr)
