"""A futarchy market's arithmetic once more, to hold the strategy against: written from what the contracts do (Algebra V1's
PriceMovementMath and TickTable, Balancer's WeightedMath for equal weights) and from what flow.h promises, with Python's own
integers and none of the strategy's code. All amounts are wei.
"""
E6, E18, Q96 = 10 ** 6, 10 ** 18, 2 ** 96
ROW = 256 * 60  # ticks of a row of V1's table
TICK_MAX = 887272


def up(a, b):
    return -(-a // b)


def sqrt_at_tick(tick):
    """TickMath: 2^96 * 1.0001^(tick/2), by the contract's own factors."""
    ratio = 2 ** 128
    factors = (0xfffcb933bd6fad37aa2d162d1a594001, 0xfff97272373d413259a46990580e213a, 0xfff2e50f5f656932ef12357cf3c7fdcc,
               0xffe5caca7e10e4e61c3624eaa0941cd0, 0xffcb9843d60f6159c9db58835c926644, 0xff973b41fa98c081472e6896dfb254c0,
               0xff2ea16466c96a3843ec78b326b52861, 0xfe5dee046a99a2a811c461f1969c3053, 0xfcbe86c7900a88aedcffc83b479aa3a4,
               0xf987a7253ac413176f2b074cf7815e54, 0xf3392b0822b70005940c7a398e4b70f3, 0xe7159475a2c29b7443b29c7fa6e889d9,
               0xd097f3bdfd2022b8845ad8f792aa5825, 0xa9f746462d870fdf8a65dc1f90e061e5, 0x70d869a156d2a1b890bb3df62baf32f7,
               0x31be135f97d08fd981231505542fcfa6, 0x9aa508b5b7a84e1c677de54f3e99bc9, 0x5d6af8dedb81196699c329225ee604,
               0x2216e584f5fa1ea926041bedfe98, 0x48a170391f7dc42444e8fa2)
    for bit, factor in enumerate(factors):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    return up((2 ** 256 - 1) // ratio if tick > 0 else ratio, 2 ** 32)


class Pool:
    """A concentrated pool. `ticks` is {tick: change of liquidity upwards}; `first`: its base token is token 0."""

    def __init__(self, first, root, tick, liquidity, fee, ticks):
        self.first, self.root, self.tick, self.liquidity, self.fee = first, root, tick, liquidity, fee
        self.ticks, self.order = ticks, sorted(ticks)

    def next(self, tick, down):
        """The next initialised tick of the same row of the table, or the row's edge."""
        place = tick // 60 + (0 if down else 1)
        edge = place // 256 * ROW + (0 if down else 255 * 60)
        if down:
            return max([t for t in self.order if edge <= t <= tick], default=edge)
        return min([t for t in self.order if tick < t <= edge], default=edge)

    def swap(self, base_in, amount, exact_in):
        """What goes in and comes out; None when liquidity ends before the amount."""
        down = base_in == self.first
        root, tick, liquidity, left, paid, got = self.root, self.tick, self.liquidity, amount, 0, 0
        while left > 0:
            reached = self.next(tick, down)
            if abs(reached) > TICK_MAX:
                return None
            target = sqrt_at_tick(reached)
            moved, used, fee, out = self.step(root, target, liquidity, left, down, exact_in)
            left -= used + fee if exact_in else out
            paid, got, root = paid + used + fee, got + out, moved
            if root == target:
                change = self.ticks.get(reached, 0)
                liquidity += -change if down else change
                tick = reached - 1 if down else reached
            elif left > 0:
                return None
        return paid, got

    def step(self, root, target, liquidity, left, down, exact_in):
        def given(to):
            return self.side(root, to, liquidity, down, True)

        def taken(to):
            return self.side(root, to, liquidity, not down, False)

        if exact_in:
            net = left * (E6 - self.fee) // E6
            used = given(target)
            if net >= used:
                return target, used, up(used * self.fee, E6 - self.fee), taken(target)
            to = self.after_in(root, liquidity, net, down)
            if to == target:
                return to, used, up(used * self.fee, E6 - self.fee), taken(to)
            return to, given(to), left - given(to), taken(to)
        out, to = taken(target), target
        if left < out:
            to = self.after_out(root, liquidity, left, down)
            out = min(out if to == target else taken(to), left)
        out = min(out, left)
        used = given(to)
        return to, used, up(used * self.fee, E6 - self.fee), out

    @staticmethod
    def side(a, b, liquidity, token0, rounded_up):
        """Of a token between two prices."""
        low, high = min(a, b), max(a, b)
        if token0:
            n = liquidity * Q96 * (high - low)
            return up(up(n, high), low) if rounded_up else n // high // low
        return up(liquidity * (high - low), Q96) if rounded_up else liquidity * (high - low) // Q96

    @staticmethod
    def after_in(root, liquidity, amount, down):
        if liquidity == 0:
            return root
        if down:
            return up(liquidity * Q96 * root, liquidity * Q96 + amount * root)
        return root + amount * Q96 // liquidity

    @staticmethod
    def after_out(root, liquidity, amount, down):
        if down:
            return root - up(amount * Q96, liquidity)
        return up(liquidity * Q96 * root, liquidity * Q96 - amount * root)


class Spot:
    """A weighted pool of two halves."""

    def __init__(self, company, sdai, fee):
        self.company, self.sdai, self.fee = company, sdai, fee

    def sell(self, company):
        """sDAI for exactly so many company tokens."""
        net = company - up(company * self.fee, E18)
        if not 0 < company or net > self.company * 3 // 10:
            return None
        share = up(self.company * E18, self.company + net)
        return self.sdai * max(0, E18 - share) // E18

    def cost(self, company):
        """sDAI that exactly so many company tokens cost."""
        if not 0 < company <= self.company * 3 // 10:
            return None
        share = up(self.company * E18, self.company - company)
        return up(up(self.sdai * (share - E18), E18) * E18, E18 - self.fee)


class Rules:
    """Of decisions: as settings say, and what gas costs in sDAI."""

    def __init__(self, gas, slippage=1000, min_profit=E18 // 1000, max_in=1500 * E18):
        self.gas, self.slippage, self.min_profit, self.max_in = gas, slippage, min_profit, max_in

    def least(self, n):
        return n * (E6 - self.slippage) // E6

    def most(self, n):
        return up(n * (E6 + self.slippage), E6)


class Flow:
    """One way round. `legs` are what pools are quoted to take or give: yes, no, spot, liquidation."""

    def __init__(self, paid, paid_max, back, back_min, legs, rules):
        self.gain, self.paid_max, self.legs = back - paid, paid_max, legs
        self.net = self.gain - rules.gas
        # what its bounds leave, beyond gas and the least profit, when all legs but the guarded one are at their bounds
        self.room = back_min - paid - rules.gas - rules.min_profit
        self.good = self.net > 0 and self.room >= 0 and paid_max <= rules.max_in


def liquidated(market, kept, rules):
    """What is left of the outcome with more: what it brings, and at least."""
    pool = market["predYes"] if kept[0] > kept[1] else market["predNo"]
    left = abs(kept[0] - kept[1])
    sold = pool.swap(True, left, True) if left else None
    if not sold or rules.least(sold[1]) == 0:
        return 0, 0
    return sold[1], rules.least(sold[1])


def buy(market, company, rules):
    legs = [market[p].swap(False, company, False) for p in ("yes", "no")]
    sale = market["spot"].sell(company)
    if None in legs or sale is None:
        return None
    bounds = [rules.most(paid) for paid, _ in legs]
    paid = max(bounds)
    out, least = liquidated(market, [paid - b for b in bounds], rules)
    return Flow(paid, paid, sale + out, sale + least, (legs[0][0], legs[1][0], sale, out), rules)


def sell(market, company, rules):
    legs = [market[p].swap(True, company, True) for p in ("yes", "no")]
    cost = market["spot"].cost(company)
    if None in legs or cost is None:
        return None
    bounds = [rules.least(got) for _, got in legs]
    if 0 in bounds:
        return None
    out, least = liquidated(market, bounds, rules)
    merged = min(bounds)
    return Flow(cost, rules.most(cost), merged + out, merged + least, (legs[0][1], legs[1][1], cost, out), rules)


WAYS = {"buy": buy, "sell": sell}


def best(market, rules):
    """The best flow that may be done, looked for over all sizes and then more closely: (way, company, flow), or None."""
    found = None
    for way, flow in WAYS.items():
        first = flow(market, 10 ** 9, rules)
        if first is None or first.gain <= 0:
            continue
        sizes = [10 ** 9 * 10 ** (n / 4) for n in range(1, 53)]
        for _ in range(4):
            tried = [(flow(market, int(size), rules), size) for size in sizes]
            tried = [(f, size) for f, size in tried if f and f.paid_max <= rules.max_in]
            if not tried:
                break
            top, at = max(tried, key=lambda one: one[0].gain)
            if top.good and (found is None or top.net > found[2].net):
                found = (way, int(at), top)
            around = [size for _, size in tried]
            here = around.index(at)
            low, high = around[max(0, here - 1)], around[min(len(around) - 1, here + 1)]
            if low == high:
                break
            sizes = [low + (high - low) * n / 12 for n in range(13)]
    return found
