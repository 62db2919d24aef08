// Fills of watched wallets from the chain: a real node (anvil, chain id 137) whose exchanges are small
// stand-ins that log what they are told to, through the Polygon plugin into the Polymarket plugin, with
// reorganisations, beside the double's data API, which names the same fills late and some that no log
// has. At the end the tape must hold every fill of the canonical chain once, and every other once.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... node onchain.mjs [--blocks 60] [--seed 1]
// Exit codes: 0 no difference, 1 differences, 2 the trial could not be held.
import { parseArgs } from 'node:util';
import { encodeAbiParameters, keccak256, toHex } from 'viem';
import { sleep, startAnvil } from '../lib/anvil.mjs';
import { Hawse, programOf } from '../lib/hawse.mjs';
import { Random } from '../lib/random.mjs';
import { NodeProxy } from '../lib/wsproxy.mjs';
import { Double } from './double.mjs';

const { values: args } = parseArgs({
  options: { blocks: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const EXCHANGES = [
  '0xE111180000d2663C0091e4f400237545B87B996B',
  '0xe2222d279d744050d28e00520010520000310F59',
  '0xe3333700cA9d93003F00f0F71f8515005F6c00Aa',
];
// LOG4 of the call's data: four topics, then the log's data
const STAND_IN = '0x60803603806080600037606035604035602035600035846000a400';
const SIGNATURE =
  'OrderFilled(bytes32,address,address,uint8,uint256,uint256,uint256,uint256,bytes32,bytes32)';
const TOPIC = keccak256(toHex(SIGNATURE));
const WALLETS = ['0x7C3Db723F1D4d8cB9C550095203b686cB11E5C6B', `0x${'ab'.repeat(20)}`];
const random = new Random(args.seed);
const below = (n) => random.below(n);
const pad = (address) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;
const word = () => toHex(BigInt(1 + below(2 ** 31)) ** 7n, { size: 32 });

/** One log of an exchange; some name a watched wallet as maker, some as taker only. */
function order(double) {
  const exchange = EXCHANGES[below(EXCHANGES.length)];
  const tokens = [...double.byToken.keys()];
  const wallet = WALLETS[below(2)];
  const stranger = `0x${'12'.repeat(20)}`;
  const [maker, taker] = [
    [wallet, exchange], // the taker's own order
    [wallet, stranger],
    [stranger, wallet], // names the wallet as taker: not a trade of its own
  ][below(3)];
  const side = below(2);
  const making = BigInt(1 + below(1e9));
  const taking = BigInt(1 + below(1e9));
  const zero = `0x${'0'.repeat(64)}`;
  const data = encodeAbiParameters(
    ['uint8', 'uint256', 'uint256', 'uint256', 'uint256', 'bytes32', 'bytes32'].map((type) => ({ type })),
    [side, BigInt(tokens[below(tokens.length)]), making, taking, BigInt(below(1000)), zero, zero],
  );
  return { to: exchange, data: [TOPIC, word(), pad(maker), pad(taker), data].reduce((a, b) => a + b.slice(2)) };
}

const keyOfLog = (log) => {
  const words = log.data.slice(2).match(/.{64}/g).map((one) => BigInt(`0x${one}`));
  const buy = words[0] === 0n;
  const [shares, usd] = buy ? [words[3], words[2]] : [words[2], words[3]];
  return [log.transactionHash, log.topics[2], toHex(words[1], { size: 32 }), buy ? 1 : 2, shares, usd].join('|');
};

async function canonical(node) {
  const logs = await node.call('eth_getLogs', {
    fromBlock: '0x0', toBlock: 'latest', address: EXCHANGES, topics: [TOPIC, null, WALLETS.map(pad)],
  });
  return logs.map(keyOfLog);
}

function configOf(double, proxy, pluginDir, stateDir) {
  const stream = { ping_ms: 1000, idle_ms: 6000, backoff_min_ms: 20, backoff_max_ms: 300 };
  return {
    hawse: 1,
    plugins: { path: [pluginDir] },
    state_dir: stateDir,
    instances: {
      chain: {
        plugin: 'org.hawse.polygon',
        endpoints: {
          ws: { url: `ws://127.0.0.1:${proxy.port}`, ...stream },
          http: `http://127.0.0.1:${proxy.port}`,
        },
        grants: ['net', 'rpc'],
      },
      poly: {
        plugin: 'org.hawse.polymarket',
        allow: 'beta',
        links: { chain: 'chain' },
        endpoints: {
          market: { url: double.marketUrl, ...stream }, rtds: { url: double.feedUrl, ...stream },
          clob: double.rest, data: double.rest,
        },
        grants: ['net', 'http'],
        settings: { assets: double.markets[0].tokens, wallets: WALLETS, poll_ms: 1000, chain_ms: 4000 },
      },
      tape: { plugin: 'org.hawse.jsonl', links: { poly: 'poly' }, settings: { sources: ['poly'] } },
    },
  };
}

/** Told, less what was taken back. */
function balance(events) {
  const told = new Map();
  for (const e of events.filter((one) => one.t === 'wallet.fill')) {
    const key = [e.tx, e.wallet, e.market, e.side, e.amount0, e.amount1].join('|');
    told.set(key, (told.get(key) ?? 0) + (e.removed ? -1 : 1));
  }
  return told;
}

/** Rows of the data API for what a block logged. */
async function apiRows(node, double) {
  const block = await node.block('latest');
  const logs = await node.call('eth_getLogs', {
    blockHash: block.hash, address: EXCHANGES, topics: [TOPIC, null, WALLETS.map(pad)],
  });
  for (const log of logs) {
    const [tx, wallet, market, side, shares, usd] = keyOfLog(log).split('|');
    const row = {
      proxy_wallet: `0x${wallet.slice(26)}`, side: side === '1' ? 'BUY' : 'SELL',
      token_id: BigInt(market).toString(), size: Number(shares) / 1e6,
      price: Math.min(1, Number(usd) / Number(shares)), timestamp: Math.floor(Date.now() / 1000),
      transaction_hash: tx,
    };
    double.fill(row.proxy_wallet, { same: row, lateMs: below(500) });
  }
}

async function main() {
  const { command, pluginDir } = programOf('hawse');
  const double = new Double({ markets: 2, random: below });
  await double.start();
  const node = await startAnvil({ chainId: 137 });
  for (const exchange of EXCHANGES) {
    await node.call('anvil_setCode', exchange, STAND_IN);
  }
  await node.mine();
  const proxy = await NodeProxy.start(node, { faithful: true });
  const [from] = await node.call('eth_accounts');
  const events = [];
  const hawse = new Hawse(command);
  hawse.on('event', (event) => events.push(event));
  hawse.start(configOf(double, proxy, pluginDir, `${hawse.folder}/state`));
  await sleep(2000);
  hawse.mustRun();
  let reorgs = 0;
  for (let i = 0; i < Number(args.blocks); i++) {
    for (let n = below(4); n > 0; n--) {
      await node.call('eth_sendTransaction', { from, gas: '0x30d40', ...order(double) });
    }
    await node.mine();
    await apiRows(node, double);
    if (i > 5 && below(8) === 0) {
      await node.call('anvil_reorg', 1 + below(3), []);
      reorgs++;
      const kept = new Set((await canonical(node)).map((key) => key.split('|')[0]));
      double.rows = double.rows.filter(({ row }) => kept.has(row.transaction_hash));
    }
    await sleep(150);
  }
  // fills that no log has, old enough that the chain would have told them
  const apiOnly = [];
  for (let i = 0; i < 5; i++) {
    const row = double.fill(WALLETS[0], { repeats: 0 });
    apiOnly.push(row.transaction_hash);
  }
  for (let i = 0; i < 3; i++) {
    await node.mine();
    await sleep(300);
  }
  let wrong = [];
  for (let i = 0; i < 40; i++) {
    await sleep(1000);
    await node.mine();
    wrong = await differences(node, events, apiOnly);
    if (wrong.length === 0) {
      break;
    }
  }
  const ended = await hawse.stop();
  await proxy.stop();
  await node.stop();
  double.stop();
  const removed = events.filter((e) => e.t === 'wallet.fill' && e.removed).length;
  const fills = events.filter((e) => e.t === 'wallet.fill').length;
  console.log(`fills told ${fills}, taken back ${removed}, reorganisations ${reorgs}, by the API alone ${apiOnly.length}`);
  wrong.slice(0, 10).forEach((line) => console.log(`  ${line}`));
  console.log(`${wrong.length} differences, hawse ended with ${ended.code}`);
  if (wrong.length > 0) {
    console.log(hawse.errors.slice(-10).join('\n'));
  }
  return wrong.length === 0 && ended.code === 0 ? 0 : 1;
}

async function differences(node, events, apiOnly) {
  const told = balance(events);
  const wrong = [];
  for (const key of await canonical(node)) {
    const n = told.get(key) ?? 0;
    told.set(key, n - 1);
  }
  for (const hash of apiOnly) {
    const key = [...told.keys()].find((one) => one.startsWith(hash));
    if (!key) {
      wrong.push(`the API's own fill ${hash} was not told`);
    } else {
      told.set(key, told.get(key) - 1);
    }
  }
  for (const [key, n] of told) {
    if (n !== 0) {
      wrong.push(`${key}: told ${n > 0 ? `${n} times too often` : 'too seldom'}`);
    }
  }
  return wrong;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(2);
  },
);
