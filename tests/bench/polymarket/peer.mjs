// What npm does with the same bytes of the market channel, as a process beside the double: connects,
// subscribes, keeps a book per asset, prints the books and its own account when it is told to end.
//
//   ccxt   ws, JSON.parse and ccxt's own order book (its Polymarket support is none: no exchange class,
//          so the frames are read here and its book is kept as its exchanges keep theirs)
//   parse  ws and JSON.parse alone: what is left to do with Polymarket's own npm clients, which keep no
//          book (clob-client-v2 speaks REST only, real-time-data-client hands parsed messages on)
//
//   node peer.mjs KIND URL PER_CONNECTION < one line of asset ids, as JSON
import { createInterface } from 'node:readline';
import WebSocket from 'ws';

const [kind, url, perConnection] = process.argv.slice(2);
const EVERY = 64;
/** Not among what the package exports, and all of its exchanges would be loaded with those. */
const BOOK = new URL('node_modules/ccxt/js/src/base/ws/OrderBook.js', import.meta.url);
const { OrderBook } = kind === 'ccxt' ? await import(BOOK) : {};
const books = new Map();
const delays = [];
let changes = 0;
let seen = 0;

function takeBook(message) {
  const levels = (list) => list.map(({ price, size }) => [Number(price), Number(size)]);
  const book = new OrderBook({}, 1000);
  book.reset({
    bids: levels(message.bids), asks: levels(message.asks), timestamp: Number(message.timestamp),
    nonce: undefined,
  });
  books.set(message.asset_id, book);
}

function takeChanges(message) {
  for (const { asset_id, price, size, side } of message.price_changes) {
    changes++;
    const book = books.get(asset_id);
    if (book) {
      const levels = side === 'BUY' ? book.bids : book.asks;
      levels.store(Number(price), Number(size));
      book.timestamp = Number(message.timestamp);
    }
  }
}

function take(data) {
  const text = String(data);
  if (text[0] !== '{' && text[0] !== '[') {
    return;
  }
  const parsed = JSON.parse(text);
  for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
    if (message.event_type === 'price_change') {
      if (kind === 'ccxt') {
        takeChanges(message);
      } else {
        changes += message.price_changes.length;
      }
      if (seen++ % EVERY === 0) {
        delays.push(performance.timeOrigin + performance.now() - Number(message.timestamp));
      }
    } else if (message.event_type === 'book' && kind === 'ccxt') {
      takeBook(message);
    }
  }
}

function finish() {
  delays.sort((a, b) => a - b);
  const at = (share) => Number((delays[Math.floor((delays.length - 1) * share)] ?? 0).toFixed(2));
  const lines = [];
  for (const [asset, book] of books) {
    const live = (side) => [...side].filter((level) => level[1] > 0).map(([p, s]) =>
      [Math.round(p * 1e6), Math.round(s * 1e6)]);
    const market = `0x${BigInt(asset).toString(16).padStart(64, '0')}`;
    lines.push(JSON.stringify({ market, bids: live(book.bids), asks: live(book.asks) }));
  }
  const delay_ms = { n: delays.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  lines.push(JSON.stringify({ peer: kind, changes, gaps: 0, delay_ms }), '');
  process.stdout.write(lines.join('\n'), () => process.exit(0));
}

process.on('SIGTERM', finish);
createInterface({ input: process.stdin }).once('line', (line) => {
  const assets = JSON.parse(line);
  for (let i = 0; i < assets.length; i += Number(perConnection)) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const own = assets.slice(i, i + Number(perConnection));
    socket.on('open', () => socket.send(JSON.stringify({
      type: 'market', assets_ids: own, custom_feature_enabled: true, initial_dump: true,
    })));
    socket.on('message', take);
  }
});
