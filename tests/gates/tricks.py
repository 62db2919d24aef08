"""The tricks: what each instance proposes, what its operator allows, and how each must end.

An expectation is (instance, id, step, gate, words): words are searched in the reason. Where nothing is said about
transactions, none may be made.
"""
from world import COIN, FRIEND, STRANGER, THIEF

CHAIN = "local"


def flow(asset, out=0, least=0, expected=0):
    return {"asset": asset, "max_out": str(out), "min_in": str(least), "expected_in": str(expected)}


def item(name, calls, flows=(), **more):
    return {"id": name.replace(" ", "-"), "calls": calls, "flows": list(flows), **more}


class Tricks:
    def __init__(self, world):
        self.w, self.instances, self.expected, self.allowed = world, {}, [], {}

    def limits(self, **more):
        """What an operator would write for all of them; exact allowances, nothing for strangers."""
        w = self.w
        limits = {
            "intents_per_day": 100, "open_intents": 100,
            "assets": {"coin": {"decimals": 0, "per_intent": "1000000000000000000", "per_day": "5000000000000000000"},
                       "gold": {"address": w.gold, "decimals": 0, "per_intent": "50", "per_day": "100"}},
            "counterparties": {
                w.pool: {"functions": ["hit(uint256)", "swap(address,address,uint256,uint256)", "take(address,uint256)",
                                       "takeFrom(address,uint256,uint256)", "takeWherePriced(address,uint256)",
                                       "failFrom(uint256)", "fail(uint256)", "again(address)"],
                         "spender": "exact", "without_quote": True},
                w.router: {"functions": ["multicall(bytes[])", "aggregate3((address,bool,bytes)[])"]},
                FRIEND: {"recipient": True}}}
        limits.update(more)
        return limits

    def add(self, name, items, account="main", at="start", mode="live", maturity="stable", txs=0, limits=None, **more):
        """An instance, and how many transactions it may make."""
        self.instances[name] = {
            "plugin": f"org.test.trickster-{maturity}", "mode": mode, "grants": [f"intent:{CHAIN}", "intent:dear",
                                                                                  "intent:dearer"],
            "breaker": {"failures": 100},
            "settings": {"chain": CHAIN, "account": account, "target": self.w.pool, "at": at, "intents": items},
            "limits": {chain: limits or self.limits() for chain in (CHAIN, "dear", "dearer")}, **more}
        self.allowed[name] = txs

    def expect(self, instance, name, step, gate, words):
        self.expected.append((instance, name.replace(" ", "-"), step, gate, words))

    def refused(self, instance, tricks, **more):
        """Several tricks of one instance: (id, calls, flows, gate, words, more)."""
        self.add(instance, [item(t[0], t[1], t[2], **(t[5] if len(t) > 5 else {})) for t in tricks], **more)
        for t in tricks:
            self.expect(instance, t[0], "REFUSED", t[3], t[4])

    # ---- what is allowed ----

    def honest(self):
        w = self.w
        hit = w.call(w.pool, "hit", 1)
        self.add("honest", [
            item("swap", [w.call(w.gold, "approve", w.pool, 50), w.call(w.pool, "swap", w.gold, w.silver, 50, 50)],
                 [flow(w.gold, 50), flow(w.silver, 0, 49, 50)]),
            item("coin", [w.raw(FRIEND, value=7)], [flow(COIN, 7)]),
            item("nested", [w.call(w.router, "aggregate3", [(w.pool, 0, w.bytes("hit", 1))])])],
            account="trader", txs=4)
        self.add("bundler", [item("bundle", [hit, hit], how=1)], account="sleeper", txs=1)
        self.allowed["honest"] = 4
        for instance, name in (("honest", "swap"), ("honest", "coin"), ("honest", "nested"), ("bundler", "bundle")):
            self.expect(instance, name, "CONFIRMED", None, "")

    # ---- who may ----

    def modes(self):
        hit = self.w.call(self.w.pool, "hit", 1)
        for name, mode, maturity, gate, words in (
                ("shadow", "shadow", "stable", "mode", "its mode is shadow, in which nothing is signed"),
                ("dry-run", "dry-run", "stable", "dry_run", "every gate passed; its mode is dry-run"),
                ("unripe", "live", "experimental", "dry_run", "experimental is never signed for")):
            self.add(name, [item("hit", [hit])], mode=mode, maturity=maturity, allow=maturity)
            self.expect(name, "hit", "REFUSED", gate, words)
        for name, mode, maturity in (("canary", "canary", "stable"), ("half-ripe", "live", "beta")):
            self.add(name, [item("coin", [self.w.raw(FRIEND, value=2 * 10 ** 16)], [flow(COIN, 2 * 10 ** 16)])], mode=mode,
                     maturity=maturity, allow=maturity)
            self.expect(name, "coin", "REFUSED", "limits", r"per_intent \(canary\) is 10000000000000000")
        self.add("no-limits", [item("hit", [hit])])
        self.instances["no-limits"]["limits"] = {}
        self.expect("no-limits", "hit", "REFUSED", "limits", "nothing for the chain")
        self.add("from-create", [item("hit", [hit])], at="create")
        self.add("from-thread", [item("hit", [hit])], at="thread")
        self.add("malformed", [], at="malformed")
        self.add("foreign", [item("hit", [hit])], at="foreign")

    # ---- what it calls ----

    def calls(self):
        w, gold = self.w, [flow(self.w.gold, 50)]
        transfer = w.bytes("transfer", STRANGER, 5)
        approve = w.bytes("approve", THIEF, 5)
        no_recipient = "which is no recipient"
        no_spender = "which is no spender"
        self.refused("caller", [
            ("unlisted contract", [w.call(w.helper, "hit", 1)], [], "calls", "is not in the table of counterparties"),
            ("unlisted function", [w.call(w.pool, "pay")], [], "calls", "does not list it"),
            ("three bytes", [w.raw(w.pool, "ebf6e9")], [], "calls", "fewer than 4 bytes"),
            ("own account", [w.raw(w.main, "ebf6e91d" + "0" * 64)], [], "calls", "not in the table"),
            ("approve a stranger", [w.call(w.gold, "approve", THIEF, 5)], [], "calls", no_spender),
            ("approve all", [w.call(w.gold, "approve", w.pool, 2 ** 256 - 1)], [], "calls", "approve what is spent"),
            ("approve above", [w.call(w.gold, "approve", w.pool, 51)], [], "calls", "approve what is spent"),
            ("increase", [w.raw(w.gold, "39509351" + w.bytes("approve", THIEF, 5)[4:].hex())], [], "calls", no_spender),
            ("transfer", [w.raw(w.gold, transfer.hex())], gold, "calls", no_recipient),
            ("transferFrom", [w.call(w.gold, "transferFrom", w.main, STRANGER, 5)], gold, "calls", no_recipient),
            ("coins", [w.raw(STRANGER, value=5)], [flow(COIN, 5)], "calls", "sends coins to"),
            ("coins with a call", [{**w.call(w.pool, "hit", 1), "value": "5"}], [flow(COIN, 5)], "calls",
             'not marked "value"'),
        ])
        self.refused("nester", [
            ("in multicall", [w.call(w.router, "multicall", [w.bytes("hit", 1), transfer])], gold, "calls",
             "inner call"),
            ("in aggregate3", [w.call(w.router, "aggregate3", [(w.pool, 0, w.bytes("hit", 1)), (w.gold, 0, transfer)])],
             gold, "calls", r"inner call 2: transfer.*no recipient"),
            ("two deep", [w.call(w.router, "aggregate3", [(w.router, 0, w.bytes("aggregate3", [(w.gold, 1, transfer)]))])],
             gold, "calls", r"inner call 1, inner call 1: transfer.*no recipient"),
            ("approve two deep", [w.call(w.router, "aggregate3",
                                         [(w.router, 0, w.bytes("aggregate3", [(w.gold, 1, approve)]))])],
             [], "calls", r"inner call 1, inner call 1.*no spender"),
            ("cut short", [w.raw(w.router, w.bytes("aggregate3", [(w.gold, 0, transfer)]).hex()[:-128])], gold, "calls",
             "do not decode"),
            ("in the second call", [w.call(w.pool, "hit", 1), w.raw(w.gold, transfer.hex())], gold, "calls", "^call 2"),
            ("in a bundle", [w.call(w.pool, "hit", 1), w.raw(w.gold, transfer.hex())], gold, "calls", "^call 2", {"how": 1}),
        ])

    # ---- what it would do ----

    def simulated(self):
        w = self.w
        take = [w.call(w.pool, "take", w.gold, 5)]
        swap = [w.call(w.pool, "swap", w.gold, w.silver, 50, 40)]
        self.refused("taker", [
            ("without a flow", take, [], "simulation", "5 gold would leave the account, and the intent lets nothing"),
            ("above its flow", take, [flow(w.gold, 4)], "simulation", "would leave the account, and the intent lets 4 gold"),
            ("less comes in", swap, [flow(w.gold, 50), flow(w.silver, 0, 49, 50)], "simulation",
             "40 .* would come in, and the intent wants 49"),
            ("it reverts", [w.call(w.pool, "fail", 1)], [], "simulation", "would fail at block .*not today"),
            ("it enters again", [w.call(w.pool, "again", w.helper)], [], "simulation", "found reentrancy"),
            ("unknown asset", take, [flow(w.silver, 4)], "limits", "is not among the assets"),
            ("slippage", swap, [flow(w.gold, 50), flow(w.silver, 0, 40, 50)], "slippage", "has to be 49"),
            ("no min_in", swap, [flow(w.gold, 50), flow(w.silver, 0, 0, 50)], "slippage", "has to be 49"),
            ("private without a relay", [w.call(w.pool, "hit", 1)], [], None, "relay", {"route": 2}),
        ], account="victim")
        quoted = self.limits()
        quoted["counterparties"][w.pool].pop("without_quote")
        self.refused("no-quote", [("no quote", swap, [flow(w.gold, 50), flow(w.silver, 0, 40)], "calls",
                                   "says of no asset what is expected")], account="victim", limits=quoted)

    # ---- how much ----

    def amounts(self):
        w = self.w
        coin, unit = [w.raw(FRIEND, value=10 ** 16)], 10 ** 16
        self.refused("big", [("per intent", [w.raw(FRIEND, value=2 * 10 ** 18)], [flow(COIN, 2 * 10 ** 18)], "limits",
                              "per_intent is 1000000000000000000"),
                             ("2^256", [w.raw(FRIEND, value=2 ** 256 - 1)], [flow(COIN, 2 ** 256 - 1)], "limits", "per_intent")])

        def split(name, count, gate, words, **more):
            self.add(name, [item("part", coin, [flow(COIN, unit)], copies=6)], account="splitter", txs=count, **more)
            self.expect(name, "part-*", f"{count} of 6", gate, words)
        day = self.limits()
        day["assets"]["coin"]["per_day"] = str(3 * unit + 2 * 10 ** 15)  # and some for fees
        split("per-day", 3, "limits|max_cost", "per_day is", limits=day)
        party = self.limits()
        party["counterparties"][FRIEND]["per_day"] = {"coin": str(2 * unit + 2 * 10 ** 15)}  # and some for fees
        split("per-party", 2, "calls", "and its per_day is", limits=party)
        split("count", 3, "limits", "intents_per_day is 3", limits=self.limits(intents_per_day=3))
        split("open", 2, "limits", "open_intents is 2", limits=self.limits(open_intents=2))
        loss = self.limits()
        loss["assets"]["coin"]["loss_per_day"] = str(2 * unit + 2 * 10 ** 15)
        split("loss", 2, "limits|max_cost", "loss_per_day is", limits=loss)
        part = self.limits()
        part["assets"]["coin"]["per_day"] = str(3 * unit + 9 * 10 ** 15)
        self.add("half-done", [item(f"half-{i}", [*coin, w.call(w.pool, "hit", 1)], [flow(COIN, unit)], cancel_on=8)
                               for i in range(6)], account="splitter", at="one by one", limits=part, txs=6)
        self.expect("half-done", "half-5", "REFUSED", "limits|max_cost", "per_day is")

    def given(self):
        """What may be taken later, by allowances, counts as what is taken."""
        w = self.w
        approve = [w.call(w.gold, "approve", w.pool, 50)]
        self.add("giver", [item(f"give-{i}", approve) for i in range(3)], account="giver", at="one by one", txs=2)
        for name in ("give-0", "give-1"):
            self.expect("giver", name, "CONFIRMED", None, "")
        self.expect("giver", "give-2", "REFUSED", "simulation", "asks for 50 gold with 100 gold taken or held already, and its "
                    "limit per_day")
        party = self.limits()
        party["counterparties"][w.pool]["per_day"] = {"gold": "60"}
        self.add("giver-to", [item(f"give-{i}", approve) for i in range(2)], account="giver", at="one by one", txs=1, limits=party)
        self.expect("giver-to", "give-0", "CONFIRMED", None, "")
        self.expect("giver-to", "give-1", "REFUSED", "simulation", "with 50 gold taken or held already by intents with")
        robbed = self.limits()
        robbed["assets"]["gold"]["per_day"] = "60"
        self.add("robbed", [], limits=robbed, txs=1)

    # ---- when, and at what price ----

    def times(self):
        w = self.w
        hit = [w.call(w.pool, "hit", 1)]
        self.add("late", [item("deadline", hit, deadline_ms=-1000), item("last block", hit, deadline_block=1),
                          item("max_cost", hit, max_cost="1", deadline_ms=1500),
                          item("fee cap", hit, chain="dearer", deadline_ms=1500)])
        self.expect("late", "deadline", "EXPIRED", None, "deadline passed")
        self.expect("late", "last block", "EXPIRED", None, "deadline passed")
        self.expect("late", "max_cost", "EXPIRED|REFUSED", "waiting max_cost", "max_cost is 1 ")
        self.expect("late", "fee cap", "EXPIRED|REFUSED", "waiting fee_cap", "the cap is")
        self.refused("poor", [("funds", hit, [], "funds", "has .* and needs .* are missing")], account="poor")
        self.add("elsewhere", [item("hit", hit)], account="elsewhere")
        self.expect("elsewhere", "hit", "FAILED", None, "")
        self.add("twice", [item("same", hit), item("same", [w.raw(STRANGER, value=1)], [flow(COIN, 1)])], txs=1)
        self.expect("twice", "same", "CONFIRMED", None, "")
        self.add("regretful", [item("regret", hit, cancel_on=1)])
        self.expect("regretful", "regret", "FAILED", None, "canceled")
        self.add("unsure", [item("signed", hit, cancel_on=5, keep_signed=1)], txs=1)
        self.expect("unsure", "signed", "CONFIRMED", None, "")
        self.add("quick", [item("unsigned", hit, cancel_on=1, keep_signed=1)])
        self.expect("quick", "unsigned", "FAILED", None, "canceled")
        for name in ("one-key", "same-key"):
            self.add(name, [item("hit", hit, copies=8)], account="splitter", txs=8)
            self.expect(name, "hit-*", "8 of 8", None, "")
        self.add("overdraw", [item("most", [w.raw(FRIEND, value=6 * 10 ** 17)], [flow(COIN, 6 * 10 ** 17)], copies=3)],
                 account="thin", txs=1)
        self.expect("overdraw", "most-*", "1 of 3", "funds", "are missing")
        tight = self.limits(fee_per_intent="0.000000000000000001")
        self.add("tight", [item("fees", hit, deadline_ms=1500)], limits=tight)
        self.expect("tight", "fees", "EXPIRED|REFUSED", "waiting max_cost", "fee_per_intent is")

    def states(self):
        """What the operator lets an instance come to: failures in a row, and what it holds."""
        w = self.w
        self.add("breaking", [], txs=1, breaker={"failures": 1})
        holds = self.limits()
        holds["assets"]["silver"] = {"address": w.silver, "decimals": 0, "per_intent": "1", "per_day": "1", "max_held": "10"}
        self.refused("hoarder", [("position", [w.call(w.pool, "swap", w.gold, w.silver, 50, 50)],
                                  [flow(w.gold, 50), flow(w.silver, 0, 49, 50)], "position",
                                  "would hold 50 silver, and max_held is 10 silver")], account="victim", limits=holds)

    # ---- what waits, for reload and restart ----

    def waiters(self):
        w = self.w
        coin = [w.raw(FRIEND, value=10 ** 16)]
        for name in ("free", "to-limit", "to-shadow", "to-file", "to-command", "to-nobody"):
            self.add(f"wait-{name}", [item("wait", coin, [flow(COIN, 10 ** 16)], chain="dear")], account="trader",
                     txs=name == "free")
        for name in ("free", "to-limit", "to-shadow", "to-nobody"):
            self.add(f"sleep-{name}", [item("sleep", coin, [flow(COIN, 10 ** 16)], chain="dearer")], account="sleeper",
                     txs=name == "free")
        self.add("sleep-unripe", [item("sleep", coin, [flow(COIN, 10 ** 16)], chain="dearer")], account="sleeper",
                 maturity="experimental", allow="experimental")

    def all(self):
        for part in (self.honest, self.modes, self.calls, self.simulated, self.amounts, self.given, self.times, self.states,
                     self.waiters):
            part()
