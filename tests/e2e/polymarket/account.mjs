// The account side of the double: orders and trades of one API key, told on a user channel and by REST
// that wants the venue's L2 signature. Written from the documentation and the sample frames in
// tests/vectors; the REST half is validated by clients.mjs with the official client, the channel's
// frames by comparing their members with the samples' (no official npm client speaks that channel).
// Owns: the account's truth. Must never: know anything of hawse.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { verifyTypedData } from 'ethers';

const STATUS_AFTER = { MATCHED: 'MINED', RETRYING: 'MINED', MINED: 'CONFIRMED' };
const FINAL = new Set(['CONFIRMED', 'FAILED']);
const OTHER = { owner: randomUUID(), address: `0x${'70'.repeat(20)}` };
const digest = (seed) => `0x${createHash('sha256').update(seed).digest('hex')}`;
const seconds = () => String(Math.floor(Date.now() / 1000));
const fixed = (cents) => String(cents / 100);

/** One client of the user channel; says nothing before it is logged in. */
class UserSession {
  constructor(account, socket) {
    Object.assign(this, { account, socket, loggedIn: false, frozen: false, silent: false });
    socket.on('message', (data) => this.#message(String(data)));
    socket.on('close', () => account.sessions.delete(this));
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
    const { type, auth } = JSON.parse(text);
    const { apiKey, secret, passphrase } = this.account.creds;
    this.loggedIn = type === 'user' && auth?.apiKey === apiKey && auth?.secret === secret &&
      auth?.passphrase === passphrase;
    this.account.logins[this.loggedIn ? 'good' : 'bad']++;
    if (!this.loggedIn) {
      this.say('INVALID OPERATION');
    }
  }
}

export class Account {
  constructor({ double, random, address, key, secret, passphrase }) {
    Object.assign(this, { double, random, address });
    this.creds = { apiKey: key, secret, passphrase };
    this.maker = `0x${'d9'.repeat(20)}`;
    this.orders = new Map();
    this.trades = new Map();
    this.said = new Map(); // every state that was, by text: what a reader may tell, once each
    this.sessions = new Set();
    this.logins = { good: 0, bad: 0, wallet: 0 };
    this.lose = 0; // frames that reach nobody
    this.lateMs = 0; // the channel tells so much later
    this.pageLimit = 500;
    this.recent = [];
  }

  connect(socket) {
    this.sessions.add(new UserSession(this, socket));
  }

  // ---- what happens ----

  #push(message) {
    const text = JSON.stringify(message);
    if (this.lose > 0) {
      this.lose--;
      return;
    }
    this.recent.push(text);
    this.recent.splice(0, this.recent.length - 30);
    const send = () => this.sessions.forEach((one) => one.loggedIn && one.say(text));
    if (this.lateMs > 0) {
      setTimeout(send, this.lateMs);
    } else {
      send();
    }
  }

  #tellOrder(order, type) {
    const time = String(Date.now());
    this.#push({
      event_type: 'order', id: order.id, owner: order.owner, market: order.market,
      asset_id: order.asset_id, side: order.side, order_owner: order.owner,
      original_size: order.original_size, size_matched: order.size_matched, price: order.price,
      associate_trades: order.associate_trades.length ? order.associate_trades : null,
      outcome: order.outcome, type, created_at: String(order.created_at),
      expiration: order.expiration, order_type: order.order_type, status: order.status,
      maker_address: order.maker_address, timestamp: time,
    });
  }

  #tellTrade(trade) {
    this.#push({
      event_type: 'trade', type: 'TRADE', ...trade, trade_owner: trade.owner,
      timestamp: String(Date.now()),
    });
  }

  place() {
    const { market, outcome } = this.double.find(
      [...this.double.byToken.keys()][this.random(this.double.byToken.size)],
    );
    const order = {
      id: digest(`order-${this.orders.size}-${Math.random()}`), status: 'LIVE',
      owner: this.creds.apiKey, maker_address: this.maker, market: market.condition,
      asset_id: market.tokens[outcome], side: this.random(2) ? 'BUY' : 'SELL',
      original_size: fixed(500 + this.random(100000)), size_matched: '0',
      price: fixed(1 + this.random(98)), associate_trades: [], outcome: outcome ? 'No' : 'Yes',
      created_at: Number(seconds()), expiration: '0', order_type: 'GTC',
    };
    this.orders.set(order.id, order);
    this.#tellOrder(order, 'PLACEMENT');
    return order;
  }

  #open() {
    const open = [...this.orders.values()].filter((one) => one.status === 'LIVE');
    return open[this.random(open.length)];
  }

  cancel() {
    const order = this.#open();
    if (order) {
      order.status = 'CANCELED';
      this.#tellOrder(order, 'CANCELLATION');
    }
  }

  /** Somebody takes from an order of ours, or we take with it: a trade, then the order. */
  fill() {
    const order = this.#open();
    if (!order) {
      return;
    }
    const left = Math.round((Number(order.original_size) - Number(order.size_matched)) * 100);
    const taken = this.random(2) ? left : 1 + this.random(left);
    const own = {
      order_id: order.id, owner: order.owner, maker_address: order.maker_address,
      matched_amount: fixed(taken), price: order.price, fee_rate_bps: '', asset_id: order.asset_id,
      outcome: order.outcome, outcome_index: order.outcome === 'Yes' ? 0 : 1, side: order.side,
    };
    const taker = this.random(2) === 0;
    const against = order.side === 'BUY' ? 'SELL' : 'BUY';
    const other = {
      ...own, order_id: digest(`other-${Math.random()}`), owner: OTHER.owner,
      maker_address: OTHER.address, side: against,
    };
    const trade = {
      id: randomUUID(), taker_order_id: taker ? order.id : other.order_id, market: order.market,
      asset_id: order.asset_id, side: taker ? order.side : against, size: fixed(taken),
      fee_rate_bps: '0', price: order.price, status: 'MATCHED', match_time: seconds(),
      last_update: seconds(), outcome: order.outcome,
      owner: taker ? this.creds.apiKey : OTHER.owner, bucket_index: 0,
      maker_address: taker ? this.maker : OTHER.address, transaction_hash: '',
      maker_orders: [taker ? other : own], trader_side: taker ? 'TAKER' : 'MAKER',
    };
    this.trades.set(trade.id, trade);
    this.#tellTrade(trade);
    order.size_matched = fixed(Math.round(Number(order.size_matched) * 100) + taken);
    order.associate_trades.push(trade.id);
    order.status = taken === left ? 'MATCHED' : 'LIVE';
    this.#tellOrder(order, 'UPDATE');
  }

  /** One trade goes a step towards its end. */
  settle() {
    const open = [...this.trades.values()].filter((one) => !FINAL.has(one.status));
    const trade = open[this.random(open.length)];
    if (!trade) {
      return;
    }
    const chance = this.random(20);
    if (chance === 0 && trade.status === 'MATCHED') {
      trade.status = 'RETRYING';
    } else if (chance === 1 && trade.status === 'RETRYING') {
      trade.status = 'FAILED';
    } else {
      trade.status = STATUS_AFTER[trade.status];
      trade.transaction_hash = digest(`tx-${trade.id}`);
    }
    trade.last_update = seconds();
    this.#tellTrade(trade);
  }

  step() {
    [() => this.place(), () => this.cancel(), () => this.fill(), () => this.settle(),
      () => this.settle(), () => this.settle()][this.random(6)]();
  }

  // ---- REST ----

  /** Is this request signed as the venue wants it? Only the path is, without its query. */
  authorized(method, url, headers, body) {
    const { apiKey, secret, passphrase } = this.creds;
    const time = headers.poly_timestamp ?? '';
    const signature = createHmac('sha256', Buffer.from(secret, 'base64url'))
      .update(`${time}${method}${url.pathname}${body}`)
      .digest('base64')
      .replaceAll('+', '-')
      .replaceAll('/', '_');
    return headers.poly_signature === signature && headers.poly_api_key === apiKey &&
      headers.poly_passphrase === passphrase && headers.poly_address === this.address &&
      Math.abs(Number(time) - Date.now() / 1000) < 10;
  }

  /** Did the wallet sign that it owns the account, just now? */
  attested(headers) {
    const types = {
      ClobAuth: [
        { name: 'address', type: 'address' }, { name: 'timestamp', type: 'string' },
        { name: 'nonce', type: 'uint256' }, { name: 'message', type: 'string' },
      ],
    };
    const message = {
      address: headers.poly_address, timestamp: headers.poly_timestamp, nonce: headers.poly_nonce,
      message: 'This message attests that I control the given wallet',
    };
    try {
      const domain = { name: 'ClobAuthDomain', version: '1', chainId: 137 };
      const signer = verifyTypedData(domain, types, message, headers.poly_signature);
      return signer === this.address && headers.poly_address === this.address &&
        Math.abs(Number(headers.poly_timestamp) - Date.now() / 1000) < 10;
    } catch {
      return false;
    }
  }

  route(method, url, headers, body) {
    if (method === 'GET' && url.pathname === '/auth/derive-api-key') {
      const good = this.attested(headers);
      this.logins[good ? 'wallet' : 'bad']++;
      return good ? [200, this.creds] : [401, { error: 'Invalid L1 Request headers' }];
    }
    if (!url.pathname.startsWith('/data/')) {
      return null;
    }
    if (!this.authorized(method, url, headers, body)) {
      this.logins.bad++;
      return [401, { error: 'Unauthorized/Invalid api key' }];
    }
    this.logins.good++;
    if (url.pathname.startsWith('/data/order/')) {
      return [200, this.orders.get(url.pathname.slice('/data/order/'.length)) ?? null];
    }
    if (url.pathname === '/data/orders') {
      return this.#page(url, [...this.orders.values()].filter((one) => one.status === 'LIVE'));
    }
    const after = Number(url.searchParams.get('after') ?? 0);
    const since = [...this.trades.values()].filter((one) => Number(one.match_time) >= after);
    return url.pathname === '/data/trades' ? this.#page(url, since.reverse()) : null;
  }

  #page(url, rows) {
    const cursor = url.searchParams.get('next_cursor') ?? 'MA==';
    const from = Number(Buffer.from(cursor, 'base64'));
    const next = from + this.pageLimit;
    const data = rows.slice(from, next);
    return [200, {
      limit: this.pageLimit, count: data.length,
      next_cursor: next < rows.length ? Buffer.from(String(next)).toString('base64') : 'LTE=', data,
    }];
  }
}
