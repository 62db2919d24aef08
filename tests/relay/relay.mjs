// A stand-in for a private relay of Flashbots' form, since the real one takes no test chain. It was validated with requests
// that the reference client made (tests/vectors/flashbots-signature.json): those pass, and signatures made in a wrong way
// do not; it does so again each time it starts. Signatures and transactions are read by ethers, not by hawse's code.
//
//   relay.mjs NODE_URL      prints its port; POST / is the relay, POST /raw one that wants bare digits and no signature,
//                           POST /control sets {mode, include}, GET /state tells what came
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
const state = { mode: 'include', requests: [], signers: [], refused: 0, included: 0 };
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
  if (question.method !== 'eth_sendPrivateTransaction') return [200, failure(question.id, -32601, 'unknown method')];
  return [200, await take(question, question.params[0].tx, question.params[0].maxBlockNumber)];
}

http.createServer((request, answer) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', async () => {
    const body = Buffer.concat(parts).toString();
    let out = [200, state];
    try {
      if (request.url === '/control') Object.assign(state, JSON.parse(body));
      else if (request.url !== '/state') out = await relay(body, request.headers, request.url === '/raw');
    } catch (error) {
      out = [500, { error: String(error) }];
    }
    answer.writeHead(out[0], { 'content-type': 'application/json' });
    answer.end(JSON.stringify(out[1]));
  });
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port);
});
