// A stand-in for a private relay of Flashbots' form, since the real one takes no test chain. It was validated with requests
// that the reference client made (tests/vectors/flashbots-signature.json): those pass, and signatures made in a wrong way
// do not; it does so again each time it starts. Signatures and transactions are read by ethers, not by hawse's code.
//
// Transactions of a bundle are in the very block that it is for, all of them and successful, or none is: what would be
// otherwise is taken out of the chain again, as a builder would not have built it.
//
//   relay.mjs NODE_URL      prints its port; POST / is the relay, POST /raw one that wants bare digits and no signature,
//                           GET /tx/HASH its status API; POST /control sets {mode, ...}, GET /state tells what came
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import http from 'node:http';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { ethers } = require('ethers');

function signer(body, header) {
  const at = (header || '').indexOf(':');
  if (at !== 42) return null;
  try {
    const found = ethers.verifyMessage(ethers.id(body), header.slice(at + 1));
    return found === header.slice(0, at) ? found : null;
  } catch {
    return null;
  }
}

function validate() {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/flashbots-signature.json', import.meta.url)));
  for (const row of vectors.vectors) {
    if (signer(row.body, row.header) !== vectors.authKey.address) throw new Error(`${row.method} must pass`);
    if (signer(row.body + ' ', row.header)) throw new Error(`${row.method} with another body must not pass`);
  }
  for (const row of vectors.negative_must_not_match) {
    if (signer(vectors.vectors[0].body, `${vectors.authKey.address}:${row.signature}`)) throw new Error(row.what);
  }
}
validate();

const node = process.argv[2];
const state = { mode: 'include', requests: [], signers: [], refused: 0, included: 0, statuses: 0, fate: null, canceled: [],
  stats: 0, called: 0, built: [] };
const bundles = new Map(); // by uuid: one more of the same takes its place
const failure = (id, code, message) => ({ jsonrpc: '2.0', id, error: { code, message } });

async function rpc(method, params) {
  const answer = await fetch(node, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
  return (await answer.json()).result;
}

/** As a builder does it: the transaction is in a block before anybody saw it. */
async function include(raw) {
  const hash = await rpc('eth_sendRawTransaction', [raw]);
  if (hash) {
    await rpc('evm_mine', []);
    state.included++;
  }
}

async function take(question, raw, maxBlock) {
  const tx = ethers.Transaction.from(raw);
  if (!tx.isSigned() || ethers.Transaction.from(raw).serialized !== raw) return failure(question.id, -32602, 'bad tx');
  if (maxBlock !== undefined && !/^0x[1-9a-f][0-9a-f]*$/.test(maxBlock)) {
    return failure(question.id, -32602, 'maxBlockNumber is no quantity');
  }
  state.requests.push({ method: question.method, hash: tx.hash, from: tx.from, nonce: tx.nonce, maxBlock,
    head: Number(await rpc('eth_blockNumber', [])) });
  if (state.mode === 'include') await include(raw);
  return { jsonrpc: '2.0', id: question.id, result: tx.hash };
}

async function takeBundle(question) {
  const { txs, blockNumber, replacementUuid, revertingTxHashes } = question.params[0];
  const head = Number(await rpc('eth_blockNumber', []));
  const all = txs.map((raw) => ethers.Transaction.from(raw));
  const bad = !/^0x[1-9a-f][0-9a-f]*$/.test(blockNumber) || all.some((tx, i) => !tx.isSigned() || tx.serialized !== txs[i])
    || !/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(replacementUuid) || revertingTxHashes.length;
  if (bad) return failure(question.id, -32602, 'bad bundle');
  if (Number(blockNumber) <= head) return failure(question.id, -32000, 'block of the bundle is in the past');
  const bundleHash = ethers.keccak256(ethers.concat(all.map((tx) => tx.hash)));
  state.requests.push({ method: question.method, hash: all[0].hash, from: all[0].from, nonce: all[0].nonce,
    block: Number(blockNumber), uuid: replacementUuid, replaces: bundles.has(replacementUuid), head,
    hashes: all.map((tx) => tx.hash), nonces: all.map((tx) => tx.nonce) });
  bundles.set(replacementUuid, { txs, block: Number(blockNumber), hash: bundleHash });
  return { jsonrpc: '2.0', id: question.id, result: { bundleHash } };
}

/** What the bundle would do, by the node's own simulation of its very transactions. */
async function callBundle({ txs }) {
  state.called++;
  const all = txs.map((raw) => ethers.Transaction.from(raw));
  const calls = all.map((tx) => ({ from: tx.from, to: tx.to, input: tx.data, value: ethers.toQuantity(tx.value),
    gas: ethers.toQuantity(tx.gasLimit) }));
  const [block] = await rpc('eth_simulateV1', [{ blockStateCalls: [{ calls }] }, 'latest']);
  return { results: block.calls.map((call, i) => ({ txHash: all[i].hash, gasUsed: Number(call.gasUsed),
    ...(call.status === '0x1' ? {} : { error: 'execution reverted', revert: call.error?.message ?? '' }) })) };
}

let building = false;
/** The block that comes next, where a bundle is for it. */
async function build() {
  if (building || !['include', 'part'].includes(state.mode)) return;
  building = true;
  const next = Number(await rpc('eth_blockNumber', [])) + 1;
  for (const [uuid, bundle] of bundles) {
    if (bundle.block < next) bundles.delete(uuid);
    if (bundle.block !== next) continue;
    bundles.delete(uuid);
    const before = await rpc('evm_snapshot', []);
    const hashes = [];
    const txs = state.mode === 'part' ? bundle.txs.slice(0, 1) : bundle.txs; // a builder that breaks its word
    for (const raw of txs) hashes.push(await rpc('eth_sendRawTransaction', [raw]));
    await rpc('evm_mine', []);
    const receipts = await Promise.all(hashes.map((hash) => hash && rpc('eth_getTransactionReceipt', [hash])));
    if (receipts.every((receipt) => receipt && receipt.status === '0x1' && Number(receipt.blockNumber) === next)) {
      state.included++;
      state.built.push({ uuid, block: next, txs: txs.length });
      break;
    }
    await rpc('evm_revert', [before]);
    for (const hash of hashes) if (hash) await rpc('anvil_dropTransaction', [hash]);
  }
  building = false;
}
setInterval(() => build().catch(() => { building = false; }), 40);

async function answer(question) {
  const result = (value) => ({ jsonrpc: '2.0', id: question.id, result: value });
  const asked = question.params[0];
  switch (question.method) {
    case 'eth_sendPrivateTransaction': return take(question, asked.tx, asked.maxBlockNumber);
    case 'eth_sendBundle': return takeBundle(question);
    case 'eth_callBundle': return result(await callBundle(asked));
    case 'eth_cancelBundle':
      state.canceled.push(asked.replacementUuid);
      bundles.delete(asked.replacementUuid);
      return result(null);
    case 'eth_cancelPrivateTransaction':
      state.canceled.push(asked.txHash);
      return result(true);
    case 'flashbots_getBundleStatsV2':
      state.stats++;
      return result({ isHighPriority: true, isSimulated: true, simulatedAt: 'T', receivedAt: 'T',
        consideredByBuildersAt: [{ pubkey: '0x81', timestamp: 'T' }], sealedByBuildersAt: [] });
    default: return failure(question.id, -32601, 'unknown method');
  }
}

/** As https://protect.flashbots.net/tx does. */
function status(hash) {
  state.statuses++;
  const known = state.requests.find((request) => request.hash === hash);
  return { status: known ? state.fate || 'PENDING' : 'UNKNOWN', hash, maxBlockNumber: known ? Number(known.maxBlock) : 0,
    transaction: {}, fastMode: false, seenInMempool: Boolean(state.leaked) };
}

async function relay(body, headers, plain) {
  const question = JSON.parse(body);
  if (state.mode === 'down') return [503, { error: 'unavailable' }];
  if (plain) {
    const digits = question.params[0];
    return [200, question.method === 'polygon_private_tx' && /^[0-9a-f]+$/.test(digits)
      ? await take(question, `0x${digits}`) : failure(question.id, -32602, 'expected digits without 0x')];
  }
  const who = signer(body, headers['x-flashbots-signature']);
  if (!who) {
    state.refused++;
    return [403, failure(question.id, -32600, 'error, invalid flashbots signature')];
  }
  if (!state.signers.includes(who)) state.signers.push(who);
  return [200, await answer(question)];
}

http.createServer((request, reply) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const body = Buffer.concat(parts).toString();
    let out = [200, state];
    try {
      if (request.url === '/control') Object.assign(state, JSON.parse(body));
      else if (request.url.startsWith('/tx/')) out = [200, status(request.url.slice(4))];
      else if (request.url !== '/state') out = await relay(body, request.headers, request.url === '/raw');
    } catch (error) {
      out = [500, { error: String(error) }];
    }
    reply.writeHead(out[0], { 'content-type': 'application/json' });
    reply.end(JSON.stringify(out[1]));
  });
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port);
});
