// What the tape of the Polymarket venue tells: books built from snapshots and changes, gaps by
// market, trades, fills. The verdict compares with the double's truth.
// Owns: nothing but what it was given. Must never: ask the double anything before the end.

const ONE = 1_000_000;
const TRADES = 2; // HAWSE_MARKET_STREAM_TRADES

function millionths(text) {
  const [whole, rest = ''] = text.split('.');
  return Number(whole || '0') * ONE + Number(rest.padEnd(6, '0'));
}

const hexOf = (token) => `0x${BigInt(token).toString(16).padStart(64, '0')}`;

/** The routing key of an identifier, as hawse/hawse.h defines it. */
export function keyOf(hex) {
  const mask = (1n << 64n) - 1n;
  const bytes = Buffer.from(hex.slice(2), 'hex');
  let k = (BigInt(bytes.length) * 0x9e3779b97f4a7c15n) & mask;
  for (let i = 0; i < bytes.length; i += 8) {
    k = ((k ^ bytes.readBigUInt64LE(i)) * 0xff51afd7ed558ccdn) & mask;
    k ^= k >> 32n;
  }
  return k.toString(16).padStart(16, '0');
}

export class Tape {
  constructor() {
    this.books = new Map(); // market -> { bids: Map, asks: Map }
    this.quotes = new Map();
    this.gaps = new Map(); // key -> true while open
    this.gapped = new Set(); // keys that ever had one
    this.keys = new Map(); // market -> key
    this.fills = new Map(); // text -> count
    this.trades = new Map(); // text -> count
    this.tradeGaps = new Map(); // key -> true while open
    this.unhealable = 0;
    this.seq = new Map(); // stream -> last
    this.garbage = [];
    this.wrong = [];
    this.counts = {};
  }

  take(event) {
    this.counts[event.t] = (this.counts[event.t] ?? 0) + 1;
    const last = this.seq.get(event.stream) ?? 0;
    if (event.seq !== last + 1) {
      this.wrong.push(`stream ${event.stream} goes from ${last} to ${event.seq}`);
    }
    this.seq.set(event.stream, event.seq);
    const take = {
      'market.book': () => this.#book(event),
      'market.book_delta': () => this.#delta(event),
      'market.quote': () => this.#quote(event),
      'wallet.fill': () => this.#fill(event),
      'stream.gap': () => this.#gap(event),
      'market.trade': () => this.#trade(event),
      'stream.healed': () => this.#ofTrades(event).delete(event.key),
      'stream.unhealable': () => this.unhealable++,
    }[event.t];
    take?.();
  }

  #key(market) {
    if (!this.keys.has(market)) {
      this.keys.set(market, keyOf(market));
    }
    return this.keys.get(market);
  }

  #gap(event) {
    if (event.local) {
      this.wrong.push(`the tape itself lost ${event.count} events`);
    }
    if (event.key) {
      this.#ofTrades(event).set(event.key, true);
      this.gapped.add(event.key);
    }
  }

  #ofTrades({ stream }) {
    return stream === TRADES ? this.tradeGaps : this.gaps;
  }

  #trade(event) {
    const key = [event.tx, event.market, event.amount0, event.amount1].join('|');
    this.trades.set(key, (this.trades.get(key) ?? 0) + 1);
    this.late = (this.late ?? 0) + Boolean(event.backfilled);
    if (event.backfilled && !this.tradeGaps.has(this.#key(event.market))) {
      this.wrong.push(`a late trade of ${event.market} outside its gap`);
    }
  }

  #book(event) {
    this.books.set(event.market, { bids: new Map(event.bids), asks: new Map(event.asks) });
  }

  #delta(event) {
    const book = this.books.get(event.market);
    if (!book) {
      this.wrong.push(`a change before the book of ${event.market}`);
      return;
    }
    if (this.gaps.has(this.#key(event.market))) {
      this.wrong.push(`a change of ${event.market} inside a gap`);
    }
    for (const side of ['bids', 'asks']) {
      for (const [price, size] of event[side]) {
        if (size === 0) {
          book[side].delete(price);
        } else {
          book[side].set(price, size);
        }
      }
    }
  }

  #quote(event) {
    this.quotes.set(event.market, [event.bid[0], event.ask[0]]);
  }

  #fill(event) {
    const key = [event.tx, event.wallet, event.market, event.side, event.amount0, event.timestamp];
    this.fills.set(key.join('|'), (this.fills.get(key.join('|')) ?? 0) + 1);
  }

  /** Everything that is not as it should be, in words. */
  differences(double, fills) {
    const wrong = [...this.wrong];
    this.garbage.forEach((line) => wrong.push(`no event: ${line.slice(0, 100)}`));
    for (const [token, { market, outcome }] of double.byToken) {
      const name = hexOf(token);
      const told = this.books.get(name);
      const truth = market.book(outcome);
      if (!told) {
        wrong.push(`no book of ${token}`);
        continue;
      }
      for (const side of ['bids', 'asks']) {
        const want = new Map(truth[side].map((l) => [millionths(l.price), millionths(l.size)]));
        if (
          want.size !== told[side].size ||
          [...want].some(([price, size]) => told[side].get(price) !== size)
        ) {
          wrong.push(`${side} of ${token}: ${told[side].size} levels, ${want.size} at the venue`);
        }
      }
      const best = truth.bids.at(-1);
      const quote = this.quotes.get(name)?.[0];
      if (best && quote?.[0] !== millionths(best.price)) {
        wrong.push(`the best bid of ${token} was told as ${quote}, it is ${best.price}`);
      }
    }
    for (const token of double.lost) {
      if (!this.gapped.has(keyOf(hexOf(token)))) {
        wrong.push(`the connection of ${token} was cut, and no gap was told`);
      }
    }
    if (this.gaps.size > 0) {
      wrong.push(`${this.gaps.size} gaps are open`);
    }
    if (this.tradeGaps.size > 0) {
      wrong.push(`the trades of ${this.tradeGaps.size} assets have a gap`);
    }
    if (this.unhealable > 0) {
      wrong.push(`${this.unhealable} gaps are unhealable`);
    }
    return [...wrong, ...this.#tradeDifferences(double), ...this.#fillDifferences(fills)];
  }

  #tradeDifferences(double) {
    const want = double.trades.map(({ transaction_hash, asset_id, price, size }) => {
      const [shares, each] = [BigInt(millionths(size)), BigInt(millionths(price))];
      const key = [transaction_hash, hexOf(asset_id), -shares, (shares * each) / BigInt(ONE)].join('|');
      return { key, told: this.trades.get(key) ?? 0 };
    });
    const wrong = want.filter(({ told }) => told !== 1)
      .map(({ key, told }) => `a trade was told ${told} times: ${key}`);
    if (this.trades.size > want.length) {
      wrong.push(`${this.trades.size} trades were told, ${want.length} happened`);
    }
    return wrong;
  }

  #fillDifferences(fills) {
    const want = new Map();
    for (const row of fills) {
      const key = [
        row.transaction_hash, `0x${'0'.repeat(24)}${row.proxy_wallet.slice(2).toLowerCase()}`,
        hexOf(row.token_id), row.side === 'BUY' ? 1 : 2, String(Math.round(row.size * ONE)),
        row.timestamp,
      ].join('|');
      want.set(key, (want.get(key) ?? 0) + 1);
    }
    const wrong = [];
    for (const key of new Set([...want.keys(), ...this.fills.keys()])) {
      const told = this.fills.get(key) ?? 0;
      if (told !== (want.get(key) ?? 0)) {
        wrong.push(`a fill was told ${told} times, it happened ${want.get(key) ?? 0} times: ${key}`);
      }
    }
    return wrong;
  }
}
