// A double of Polymarket's public services, because no server of theirs can run here: CLOB REST, the
// market channel, the data API's trades and the real-time data feed, on loopback. Written from their
// documentation and from what their clients send; validated by clients.mjs, which drives it with the
// official npm clients, and by the captured check values in tests/vectors/polymarket-book-hash.json.
// Owns: its servers and the truth, which is one book per market, mirrored for the second outcome.
// Must never: know anything of hawse.
import { createHash } from 'node:crypto';
import http from 'node:http';
import { WebSocketServer } from 'ws';

const DUMP_BATCH = 100;

/** The venue's check value: SHA-1 of its canonical JSON. */
export function bookHash(book) {
  const { market, asset_id, timestamp, bids, asks, min_order_size, tick_size, neg_risk } = book;
  const text = JSON.stringify({
    market, asset_id, timestamp, hash: '', bids, asks, min_order_size, tick_size, neg_risk,
    last_trade_price: book.last_trade_price,
  });
  return createHash('sha1').update(text).digest('hex');
}

const id = (seed, bytes) => createHash('sha256').update(seed).digest('hex').slice(0, bytes * 2);
const tokenOf = (seed) => BigInt(`0x1${id(seed, 31)}`).toString();

/** Hundredths of a share as the venue writes them: no zeros at the end. */
function sizeText(cents) {
  const whole = Math.floor(cents / 100);
  const rest = cents % 100;
  return rest === 0 ? `${whole}` : `${whole}.${String(rest).padStart(2, '0').replace(/0$/, '')}`;
}

/** One condition: prices are ticks of the first outcome, 1 to ticks - 1. */
class Market {
  constructor(number, random) {
    this.condition = `0x${id(`condition-${number}`, 32)}`;
    this.tokens = [tokenOf(`yes-${number}`), tokenOf(`no-${number}`)];
    this.negRisk = number % 3 === 0;
    this.minSize = '5';
    this.ticks = number % 4 === 1 ? 1000 : 100;
    this.last = ['0.5', '0.5'];
    this.time = 0;
    this.bids = new Map(); // tick -> cents
    this.asks = new Map();
    const middle = Math.floor(this.ticks / 2);
    for (let i = 0; i < 12; i++) {
      this.bids.set(middle - 1 - random(20), 100 + random(900000));
      this.asks.set(middle + random(20), 100 + random(900000));
    }
  }

  get tickSize() {
    return this.ticks === 1000 ? '0.001' : '0.01';
  }

  price(tick) {
    const text = (tick / this.ticks).toFixed(this.ticks === 1000 ? 3 : 2);
    return text.replace(/0+$/, '');
  }

  best() {
    return [Math.max(0, ...this.bids.keys()), Math.min(this.ticks, ...this.asks.keys())];
  }

  /** Milliseconds that never go back. */
  touch() {
    this.time = Math.max(this.time, Date.now());
  }

  levels(outcome, side) {
    const own = outcome === 0;
    const from = (side === 'bids') === own ? this.bids : this.asks;
    const list = [...from].map(([tick, cents]) => [own ? tick : this.ticks - tick, cents]);
    list.sort((a, b) => (side === 'bids' ? a[0] - b[0] : b[0] - a[0]));
    return list.map(([tick, cents]) => ({ price: this.price(tick), size: sizeText(cents) }));
  }

  /** As GET /book answers. */
  book(outcome) {
    const book = {
      market: this.condition,
      asset_id: this.tokens[outcome],
      timestamp: String(this.time),
      hash: '',
      bids: this.levels(outcome, 'bids'),
      asks: this.levels(outcome, 'asks'),
      min_order_size: this.minSize,
      tick_size: this.tickSize,
      neg_risk: this.negRisk,
      last_trade_price: this.last[outcome],
    };
    book.hash = bookHash(book);
    return book;
  }

  /** As the market channel sends it; tick and last price only in the first one. */
  event(outcome, first) {
    const { market, asset_id, timestamp, hash, bids, asks, tick_size, last_trade_price } =
      this.book(outcome);
    const event = { market, asset_id, timestamp, hash, bids, asks };
    return first
      ? { ...event, tick_size, event_type: 'book', last_trade_price }
      : { ...event, event_type: 'book' };
  }

  bestTexts(outcome) {
    const [bid, ask] = this.best();
    const text = (tick) => (tick <= 0 || tick >= this.ticks ? '0' : this.price(tick));
    return outcome === 0
      ? { best_bid: text(bid), best_ask: text(ask) }
      : { best_bid: text(this.ticks - ask), best_ask: text(this.ticks - bid) };
  }

  /** Sets the total of a level; an entry for the outcome and the mirrored one for its complement. */
  change(side, tick, cents, hashed = true) {
    const levels = side === 'BUY' ? this.bids : this.asks;
    if (cents === 0) {
      levels.delete(tick);
    } else {
      levels.set(tick, cents);
    }
    this.touch();
    const other = side === 'BUY' ? 'SELL' : 'BUY';
    const entry = (outcome, at, as) => ({
      asset_id: this.tokens[outcome],
      price: this.price(at),
      size: sizeText(cents),
      side: as,
      hash: hashed ? this.book(outcome).hash : '',
      ...this.bestTexts(outcome),
    });
    return {
      market: this.condition,
      price_changes: [entry(0, tick, side), entry(1, this.ticks - tick, other)],
      timestamp: String(this.time),
      event_type: 'price_change',
    };
  }
}

/** One client of the market channel. */
class Session {
  constructor(double, socket) {
    this.double = double;
    this.socket = socket;
    this.assets = new Set();
    this.frozen = false; // takes everything, says nothing
    this.silent = false; // answers PING, says nothing else
    socket.on('message', (data) => this.#message(String(data)));
    socket.on('close', () => double.sessions.delete(this));
    socket.on('error', () => socket.terminate());
  }

  say(text) {
    const mute = this.frozen || (this.silent && text !== 'PONG');
    if (!mute && this.socket.readyState === this.socket.OPEN) {
      this.socket.send(text);
    }
  }

  #message(text) {
    if (text === 'PING') {
      this.say('PONG');
      return;
    }
    let message = null;
    try {
      message = JSON.parse(text);
    } catch {
      this.say('INVALID OPERATION');
      return;
    }
    const ids = Array.isArray(message.assets_ids) ? message.assets_ids : [];
    if (message.operation === 'unsubscribe') {
      ids.forEach((one) => this.assets.delete(one));
    } else if (message.type === 'market' || message.operation === 'subscribe') {
      this.#subscribe(ids, message.initial_dump !== false);
    } else {
      this.say('INVALID OPERATION');
    }
  }

  #subscribe(ids, dump) {
    const known = ids.filter((one) => this.double.find(one));
    known.forEach((one) => this.assets.add(one));
    if (!dump) {
      return;
    }
    const send = () => {
      for (let i = 0; i < known.length; i += DUMP_BATCH) {
        const books = known.slice(i, i + DUMP_BATCH).map((one) => {
          const { market, outcome } = this.double.find(one);
          return market.event(outcome, true);
        });
        this.say(JSON.stringify(books));
      }
    };
    if (this.double.slowDumpMs > 0) {
      setTimeout(send, this.double.slowDumpMs);
    } else {
      send();
    }
  }
}

export class Double {
  constructor({ markets, random }) {
    this.random = random;
    this.markets = Array.from({ length: markets }, (_, i) => new Market(i, random));
    this.byToken = new Map();
    for (const market of this.markets) {
      market.touch();
      market.tokens.forEach((token, outcome) => this.byToken.set(token, { market, outcome }));
    }
    this.sessions = new Set();
    this.listeners = new Set(); // of the real-time data feed
    this.rows = []; // of the data API: { visible_ms, ...row }
    this.takers = []; // the same of all that the market channel tells
    this.trades = []; // ... as it tells them
    this.slowDumpMs = 0;
    this.account = null; // an Account: the user channel and what needs a login
    this.lose = 0; // frames that reach nobody
    this.announced = []; // markets made meanwhile
    this.recent = []; // frames sent last
    this.lost = new Set(); // assets whose connection was cut
    this.refusals = 0; // of 100 REST requests
    this.counts = { connections: 0, frames: 0, requests: 0, refused: 0, books: 0 };
  }

  find(token) {
    return this.byToken.get(token);
  }

  async start() {
    this.server = http.createServer((request, response) => this.#rest(request, response));
    const market = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const feed = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    const user = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.server.on('upgrade', (request, socket, head) => {
      const channel = request.url.startsWith('/ws/market') ? market : feed;
      if (request.url.startsWith('/ws/user')) {
        user.handleUpgrade(request, socket, head, (client) => this.account.connect(client));
      } else {
        channel.handleUpgrade(request, socket, head, (one) => this.#client(channel, market, one));
      }
    });
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    const at = `127.0.0.1:${this.server.address().port}`;
    this.rest = `http://${at}`;
    this.marketUrl = `ws://${at}/ws/market`;
    this.feedUrl = `ws://${at}/rtds`;
    this.userUrl = `ws://${at}/ws/user`;
  }

  #client(channel, market, client) {
    this.counts.connections++;
    if (channel === market) {
      this.sessions.add(new Session(this, client));
      return;
    }
    client.subscribed = false;
    client.on('message', (data) => {
      const text = String(data);
      client.subscribed ||= text.includes('"subscribe"') && text.includes('"activity"');
    });
    client.on('close', () => this.listeners.delete(client));
    client.on('error', () => client.terminate());
    this.listeners.add(client);
  }

  stop() {
    this.sessions.forEach((session) => session.socket.terminate());
    this.listeners.forEach((client) => client.terminate());
    this.account?.sessions.forEach((session) => session.socket.terminate());
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Ends a connection without a word; what was on it must be told as a gap. */
  cut(session) {
    session?.assets.forEach((asset) => this.lost.add(asset));
    session?.socket.terminate();
  }

  // ---- what happens ----

  /** One frame to everybody who is subscribed to one of its assets. */
  push(message, assets) {
    const text = JSON.stringify(message);
    if (this.lose > 0) {
      this.lose--;
      return text;
    }
    this.recent.push({ text, assets });
    this.recent.splice(0, this.recent.length - 50);
    this.counts.frames++;
    for (const session of this.sessions) {
      if (assets.some((asset) => session.assets.has(asset))) {
        session.say(text);
      }
    }
    return text;
  }

  randomChange() {
    const market = this.markets[this.random(this.markets.length)];
    const buy = this.random(2) === 0;
    const [bid, ask] = market.best();
    const levels = buy ? market.bids : market.asks;
    let tick = buy ? ask - 1 - this.random(20) : bid + 1 + this.random(20);
    tick = Math.min(Math.max(tick, 1), market.ticks - 1);
    const remove = levels.size > 3 && this.random(3) === 0;
    if (remove) {
      tick = [...levels.keys()][this.random(levels.size)];
    }
    return this.push(
      market.change(buy ? 'BUY' : 'SELL', tick, remove ? 0 : 1 + this.random(1000000)),
      market.tokens,
    );
  }

  /** Takes from the best ask: the trade, then both books. */
  randomTrade() {
    const market = this.markets[this.random(this.markets.length)];
    const ask = market.best()[1];
    const cents = market.asks.get(ask);
    if (cents === undefined || market.asks.size < 3) {
      return;
    }
    const taken = 1 + this.random(cents);
    if (taken === cents) {
      market.asks.delete(ask);
    } else {
      market.asks.set(ask, cents - taken);
    }
    market.touch();
    market.last[0] = market.price(ask);
    const trade = {
      market: market.condition, asset_id: market.tokens[0], price: market.price(ask),
      size: sizeText(taken), fee_rate_bps: '0', side: 'BUY', timestamp: String(market.time),
      event_type: 'last_trade_price', transaction_hash: `0x${id(`tx-${Math.random()}`, 32)}`,
    };
    this.trades.push(trade);
    this.#row(trade);
    this.push(trade, [market.tokens[0]]);
    this.push([market.event(0, false), market.event(1, false)], market.tokens);
  }

  /** The taker's row of the data API: with the time of its block, and seen later still. */
  #row({ market, asset_id, price, size, side, timestamp, transaction_hash }) {
    const blockMs = this.random(1500);
    const row = {
      proxy_wallet: `0x${'77'.repeat(20)}`, side, token_id: asset_id, condition_id: market, size: Number(size),
      price: Number(price), timestamp: Math.floor((Number(timestamp) + blockMs) / 1000), transaction_hash,
    };
    this.takers.push({ visible_ms: Date.now() + blockMs + this.random(1000), row });
  }

  /** Somebody makes a market: everybody who asked for the newer messages is told. */
  announce() {
    const seed = `new-${this.announced.length}`;
    const one = { market: `0x${id(seed, 32)}`, assets_ids: [tokenOf(`${seed}-yes`), tokenOf(`${seed}-no`)] };
    this.announced.push(one);
    const text = JSON.stringify({
      id: String(this.announced.length), question: 'Will it?', slug: 'will-it', description: 'x',
      ...one, outcomes: ['Yes', 'No'], event_message: { id: '1', ticker: 't', slug: 's', title: 'T', description: '' },
      timestamp: String(Date.now()), event_type: 'new_market',
    });
    this.sessions.forEach((session) => session.say(text));
  }

  /** From hundredths to thousandths, once. */
  refineTick() {
    const market = this.markets.find((one) => one.ticks === 100);
    if (!market) {
      return;
    }
    const finer = (levels) => new Map([...levels].map(([tick, cents]) => [tick * 10, cents]));
    market.bids = finer(market.bids);
    market.asks = finer(market.asks);
    market.ticks = 1000;
    market.touch();
    for (const asset_id of market.tokens) {
      this.push(
        {
          market: market.condition, asset_id, old_tick_size: '0.01', new_tick_size: '0.001',
          timestamp: String(market.time), event_type: 'tick_size_change',
        },
        [asset_id],
      );
    }
  }

  /** A fill of a wallet: in the data API after `lateMs`, in the feed at once, `repeats` times. */
  fill(wallet, { lateMs = 0, repeats = 1, same = null } = {}) {
    const { market, outcome } = this.find([...this.byToken.keys()][this.random(this.byToken.size)]);
    const row = same ?? {
      proxy_wallet: wallet, side: this.random(2) ? 'BUY' : 'SELL', token_id: market.tokens[outcome],
      condition_id: market.condition, size: (1 + this.random(1000000)) / 100,
      price: (1 + this.random(99)) / 100, timestamp: Math.floor(Date.now() / 1000),
      outcome: outcome ? 'No' : 'Yes', outcome_index: outcome,
      transaction_hash: `0x${id(`fill-${this.rows.length}-${Math.random()}`, 32)}`,
    };
    this.rows.push({ visible_ms: Date.now() + lateMs, row });
    const payload = {
      asset: row.token_id, conditionId: row.condition_id, outcome: row.outcome,
      outcomeIndex: row.outcome_index, price: row.price, proxyWallet: wallet, side: row.side,
      size: row.size, timestamp: row.timestamp, transactionHash: row.transaction_hash,
    };
    const text = JSON.stringify({
      topic: 'activity', type: 'orders_matched', timestamp: Date.now(), connection_id: 'double',
      payload,
    });
    for (let i = 0; i < repeats; i++) {
      this.listeners.forEach((client) => client.subscribed && client.send(text));
    }
    return row;
  }

  // ---- REST ----

  #rest(request, response) {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      this.counts.requests++;
      if (this.random(100) < this.refusals) {
        this.#refuse(response);
        return;
      }
      const url = new URL(request.url, this.rest);
      const answer = this.account?.route(request.method, url, request.headers, body) ??
        this.#route(request.method, url, body);
      const [status, value] = answer ?? [404, { error: 'not found' }];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    });
  }

  #refuse(response) {
    this.counts.refused++;
    const [status, headers, text] = [
      [429, { 'retry-after': '1' }, '{"error":"too many requests"}'],
      [500, {}, 'internal error'],
      [502, { 'content-type': 'text/html' }, '<html>bad gateway</html>'],
      [200, {}, '{"market":"0x'],
    ][this.random(4)];
    response.writeHead(status, headers);
    response.end(text);
  }

  #book(token) {
    this.counts.books++;
    const found = this.find(token);
    return found ? found.market.book(found.outcome) : null;
  }

  #route(method, url, body) {
    const token = url.searchParams.get('token_id');
    const found = this.find(token);
    const route = `${method} ${url.pathname}`;
    const simple = {
      'GET /ok': () => 'OK',
      'GET /time': () => Math.floor(Date.now() / 1000),
      'GET /version': () => ({ version: 2 }),
      'GET /tick-size': () => found && { minimum_tick_size: Number(found.market.tickSize) },
      'GET /neg-risk': () => found && { neg_risk: found.market.negRisk },
      'GET /fee-rate': () => found && { base_fee: 0 },
      'GET /last-trade-price': () =>
        found && { price: found.market.last[found.outcome], side: 'BUY' },
      'GET /midpoint': () => found && { mid: String(this.#middle(found)) },
      'GET /spread': () => found && { spread: String(this.#spread(found)) },
    }[route];
    if (simple) {
      const value = simple();
      return value === undefined ? [404, { error: 'No orderbook exists' }] : [200, value];
    }
    if (route === 'GET /book') {
      const book = this.#book(token);
      return book
        ? [200, book]
        : [404, { error: 'No orderbook exists for the requested token id' }];
    }
    if (route === 'POST /books') {
      return [200, JSON.parse(body).map((one) => this.#book(one.token_id)).filter(Boolean)];
    }
    if (route === 'GET /v2/trades') {
      return [200, this.#trades(url.searchParams)];
    }
    return this.#market(url.pathname);
  }

  #middle({ market, outcome }) {
    const { best_bid, best_ask } = market.bestTexts(outcome);
    return (Number(best_bid) + Number(best_ask)) / 2;
  }

  #spread({ market, outcome }) {
    const { best_bid, best_ask } = market.bestTexts(outcome);
    return Number((Number(best_ask) - Number(best_bid)).toFixed(4));
  }

  #market(pathname) {
    const [, kind, condition] = pathname.split('/');
    const market = this.markets.find((one) => one.condition === condition);
    if (!market || kind !== 'clob-markets') {
      return null;
    }
    return [200, {
      c: market.condition,
      t: market.tokens.map((t, i) => ({ t, o: i ? 'No' : 'Yes' })),
      mts: Number(market.tickSize), mos: 5, nr: market.negRisk, fd: { r: 0.04, e: 1, to: true },
      mbf: 1000, tbf: 1000, ao: true, cbos: true, r: null,
    }];
  }

  /** Newest first, in pages. */
  #trades(query) {
    const user = query.get('user')?.toLowerCase();
    const start = Number(query.get('start') ?? 0);
    const limit = Math.min(Number(query.get('limit') ?? 100), this.pageLimit ?? 1000);
    const from = Number(query.get('cursor') ? atob(query.get('cursor')) : 0);
    const condition = query.get('condition');
    const rows = (user ? this.rows : this.takers)
      .filter((one) => one.visible_ms <= Date.now())
      .map((one) => one.row)
      .filter((row) => (user ? row.proxy_wallet.toLowerCase() === user : row.condition_id === condition))
      .filter((row) => row.timestamp >= start)
      .sort((a, b) => b.timestamp - a.timestamp);
    const more = rows.length > from + limit;
    return {
      data: rows.slice(from, from + limit),
      pagination: {
        limit, offset: from, has_more: more, next_cursor: more ? btoa(String(from + limit)) : null,
      },
    };
  }
}
