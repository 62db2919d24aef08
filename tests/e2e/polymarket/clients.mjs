// Drives the double with Polymarket's official npm clients, so that it is not just what we believe of
// the venue: REST answers are read, typed and hashed by @polymarket/clob-client-v2, and the activity
// feed is subscribed by @polymarket/real-time-data-client. Prints TAP.
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClobClient } from '@polymarket/clob-client-v2';
import { Wallet } from 'ethers';
import WebSocket from 'ws';
import { RealTimeDataClient } from '@polymarket/real-time-data-client';
import { Random } from '../lib/random.mjs';
import { Account } from './account.mjs';
import { Double, bookHash } from './double.mjs';

globalThis.crypto ??= webcrypto; // before Node 20 the client does not find it

const random = new Random(1);
let count = 0;
let failed = 0;

async function check(name, run) {
  count++;
  try {
    await run();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`# ${error.message}\nnot ok ${count} - ${name}`);
  }
}

function same(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
  }
}

const double = new Double({ markets: 8, random: (n) => random.below(n) });
await double.start();
const client = new ClobClient({ host: double.rest, chain: 137 });
const market = double.markets[1];
const token = market.tokens[0];

await check('captured and generated books have the check values of the vectors', () => {
  const file = new URL('../../vectors/polymarket-book-hash.json', import.meta.url);
  for (const { id, book, sha1 } of JSON.parse(readFileSync(file, 'utf8')).rows) {
    const levels = (list) => list.map(([price, size]) => ({ price, size }));
    const whole = { ...book, bids: levels(book.bids), asks: levels(book.asks) };
    same(bookHash(whole), sha1, id);
  }
});

await check('the client reads a book and computes the check value that came with it', async () => {
  for (let i = 0; i < 50; i++) {
    double.randomChange();
    double.randomTrade();
    const book = await client.getOrderBook(token);
    const said = book.hash;
    same(said, market.book(0).hash, 'the hash');
    same(await client.getOrderBookHash({ ...book }), said, "the client's own hash");
  }
});

await check('the client reads several books at once', async () => {
  const ids = double.markets.flatMap((one) => one.tokens);
  const books = await client.getOrderBooks(ids.map((token_id) => ({ token_id, side: 'BUY' })));
  same(books.map((book) => book.asset_id), ids, 'the assets');
});

await check('the client reads tick size, neg risk, time and a market', async () => {
  same(await client.getTickSize(token), market.tickSize, 'tick size');
  same(await client.getNegRisk(token), market.negRisk, 'neg risk');
  same(Math.abs((await client.getServerTime()) - Date.now() / 1000) < 5, true, 'time');
  const info = await client.getClobMarketInfo(market.condition);
  same(info.t.map((one) => one.t), market.tokens, 'tokens');
});

await check('the mirrored book of the second outcome is the complement of the first', async () => {
  const [yes, no] = await Promise.all(market.tokens.map((one) => client.getOrderBook(one)));
  const mirror = (level) => [(1 - Number(level.price)).toFixed(4), level.size];
  const plain = (level) => [Number(level.price).toFixed(4), level.size];
  same(no.asks.map(plain), yes.bids.map(mirror), 'asks');
});

await check('the feed client subscribes and gets what it asked for, and nothing before', async () => {
  const got = [];
  const wallet = `0x${'ab'.repeat(20)}`;
  const quiet = console.warn;
  const log = console.log;
  console.warn = () => {};
  console.log = () => {};
  await new Promise((done, failure) => {
    const feed = new RealTimeDataClient({
      host: double.feedUrl,
      autoReconnect: false,
      onMessage: (_, message) => {
        got.push(message);
        done();
      },
      onConnect: (connected) => {
        double.fill(wallet);
        connected.subscribe({
          subscriptions: [{ topic: 'activity', type: 'orders_matched', filters: '' }],
        });
        setTimeout(() => double.fill(wallet), 200);
      },
    });
    feed.connect();
    setTimeout(() => failure(new Error('nothing came')), 3000);
  });
  console.warn = quiet;
  console.log = log;
  same(got.length, 1, 'messages');
  same([got[0].topic, got[0].type, got[0].payload.proxyWallet], ['activity', 'orders_matched', wallet], 'it');
});

// ---- the account ----

const signer = new Wallet(`0x${'ac'.repeat(32)}`);
const creds = {
  key: '9180014b-33c8-9240-a14b-bdca11c0a465',
  secret: '-_8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4=',
  passphrase: 'synthetic-passphrase',
};
const account = new Account({
  double, random: (n) => random.below(n), address: signer.address, ...creds,
});
double.account = account;
signer._signTypedData ??= signer.signTypedData.bind(signer);

await check('the client logs in, reads orders and trades over pages, and one order', async () => {
  const own = new ClobClient({ host: double.rest, chain: 137, signer, creds });
  account.pageLimit = 3;
  for (let i = 0; i < 60; i++) {
    account.step();
  }
  const open = [...account.orders.values()].filter((one) => one.status === 'LIVE');
  const ids = (list) => list.map((one) => one.id).sort();
  same(ids(await own.getOpenOrders()), ids(open), 'open orders');
  same(ids(await own.getTrades()), ids([...account.trades.values()]), 'trades');
  const one = [...account.orders.values()][0];
  same((await own.getOrder(one.id)).status, one.status, 'one order');
  same(account.logins.bad, 0, 'refused logins');
});

await check("the client derives the API key by its wallet's signature, another wallet does not", async () => {
  const own = new ClobClient({ host: double.rest, chain: 137, signer });
  same(await own.deriveApiKey(), creds, 'the key');
  const log = console.error;
  console.error = () => {};
  const stranger = new Wallet(`0x${'bd'.repeat(32)}`);
  stranger._signTypedData = stranger.signTypedData.bind(stranger);
  const other = new ClobClient({ host: double.rest, chain: 137, signer: stranger });
  const answer = await other.deriveApiKey().catch((error) => error);
  console.error = log;
  same(answer?.key ?? null, null, 'the key of another');
});

await check('a wrong secret, passphrase or address is refused', async () => {
  const log = console.error;
  console.error = () => {};
  for (const wrong of [{ secret: 'AAAA' }, { passphrase: 'x' }, { key: 'y' }]) {
    const own = new ClobClient({
      host: double.rest, chain: 137, signer, creds: { ...creds, ...wrong },
    });
    const answer = await own.getOrder('0x00').catch((error) => error);
    same([answer?.status ?? answer?.error?.status, JSON.stringify(answer).includes('Unauthorized')],
      [401, true], JSON.stringify(wrong));
  }
  console.error = log;
});

await check("the user channel's frames have the members of the samples, after a login only", async () => {
  const file = new URL('../../vectors/polymarket-user-channel.ndjson', import.meta.url);
  const frames = readFileSync(file, 'utf8').split('\n').filter(Boolean).flatMap((l) => JSON.parse(l));
  const members = (list, type) =>
    Object.keys(list.find((one) => one.event_type === type)).sort().join();
  const got = [];
  const socket = new WebSocket(double.userUrl);
  socket.on('message', (data) => got.push(String(data)));
  await new Promise((done) => socket.once('open', done));
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  account.place();
  socket.send(JSON.stringify({ type: 'user', auth: { apiKey: creds.key, secret: 'x', passphrase: 'y' } }));
  await sleep(100);
  account.place();
  same(got.splice(0), ['INVALID OPERATION'], 'before the login');
  const auth = { apiKey: creds.key, secret: creds.secret, passphrase: creds.passphrase };
  socket.send(JSON.stringify({ type: 'user', auth }));
  await sleep(100);
  account.place();
  for (let i = 0; i < 10; i++) {
    account.fill();
  }
  await sleep(100);
  socket.terminate();
  const own = got.map((text) => JSON.parse(text));
  for (const type of ['order', 'trade']) {
    same(members(own, type), members(frames, type), type);
  }
});

console.log(`1..${count}`);
double.stop();
process.exit(failed ? 1 : 0);
