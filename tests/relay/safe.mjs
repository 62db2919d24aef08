// Transactions of a Safe on a real node (anvil) with the real contracts (Safe 1.4.1, from npm): two of three owners execute
// calls and batches, proposals go from one owner to the next, and what must not be signed is not. Hashes and signatures are
// compared with ethers. Prints TAP.
//
//   safe.mjs ANSWERS
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import path from 'node:path';

const here = createRequire(import.meta.url);
const { ethers } = createRequire(new URL('../e2e/package.json', import.meta.url))('ethers');
const contract = (file, name) => here(`@safe-global/safe-contracts/build/artifacts/contracts/${file}/${name}.json`);
const ANVIL = new URL('../e2e/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil', import.meta.url).pathname;
const CHAIN = 31337;
// stores[calldata[4:36]] += 1, as the counting contract of the other trials does
const COUNTER = '0x60043580546001019055600019546001016000195500';
const TARGET = '0x00000000000000000000000000000000000C0De5';
const ERROR = { DENIED: -6, AGAIN: -4 };

const folder = mkdtempSync(path.join(tmpdir(), 'hawse-safe-'));
const results = [];
const check = (name, good, detail = '') => results.push([name, good ? null : JSON.stringify(detail)]);
const hit = (n) => `0xebf6e91d${n.toString(16).padStart(64, '0')}`;

const port = await new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port: found } = s.address();
    s.close(() => done(found));
  });
});
chmodSync(ANVIL, 0o755);
const anvil = spawn(ANVIL, ['--port', port, '--chain-id', CHAIN, '--accounts', '1', '--silent'], { stdio: 'ignore' });
const url = `http://127.0.0.1:${port}`;
async function raw(method, params) {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
  return answer.json();
}
async function rpc(method, params = []) {
  const answer = await raw(method, params);
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result;
}

const owners = ['11', '22', '33'].map((digits) => new ethers.Wallet(`0x${digits.repeat(32)}`));
const pays = new ethers.Wallet(`0x${'77'.repeat(32)}`);

async function send(to, data, from = pays) {
  const tx = { to, data, chainId: CHAIN, nonce: Number(await rpc('eth_getTransactionCount', [from.address, 'latest'])),
    gasLimit: 8000000, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n, type: 2 };
  const hash = await rpc('eth_sendRawTransaction', [await from.signTransaction(tx)]);
  for (let i = 0; i < 200; i++) {
    const receipt = await rpc('eth_getTransactionReceipt', [hash]);
    if (receipt) return receipt;
    await new Promise((r) => setTimeout(r, 10));
  }
  throw new Error(`${hash} is in no block`);
}

/** Runs the program; what it asks is asked of the node. */
function run({ chain = CHAIN, safe, batch, nonce = '-', keys = [], papers = '-', calls }) {
  const list = keys.map((k) => owners[k].privateKey).join(',') || '-';
  const child = spawn(process.argv[2], [chain, safe, batch, pays.address, nonce, list, papers,
    ...calls.map((c) => `${c.to}:${c.value ?? 0}:${c.data ?? '0x'}`)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const out = { signed: 0, asked: 0 };
  return new Promise((done, bad) => {
    child.on('error', bad);
    child.on('close', () => (out.status === undefined ? bad(new Error('it did not end')) : done(out)));
    createInterface({ input: child.stdout }).on('line', async (line) => {
      if (line === 'signed') out.signed++;
      if (line.startsWith('done')) {
        const [, status, hash, n, threshold, signatures, data, reason] = line.split('\t');
        Object.assign(out, { status: Number(status), hash, nonce: Number(n), threshold: Number(threshold),
          signatures: Number(signatures), data, reason });
      }
      if (!line.startsWith('ask ')) return;
      out.asked++;
      const [, method, ...params] = line.split(' ');
      const answer = await raw(method, JSON.parse(params.join(' ')));
      child.stdin.write(answer.error ? `error ${JSON.stringify(answer.error)}\n` : `ok ${JSON.stringify(answer.result)}\n`);
    });
  });
}

let files = 0;
function paper(text) {
  const file = path.join(folder, `paper-${files++}.json`);
  writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text));
  return file;
}

const TYPES = { SafeTx: [['address', 'to'], ['uint256', 'value'], ['bytes', 'data'], ['uint8', 'operation'],
  ['uint256', 'safeTxGas'], ['uint256', 'baseGas'], ['uint256', 'gasPrice'], ['address', 'gasToken'],
  ['address', 'refundReceiver'], ['uint256', 'nonce']].map(([type, name]) => ({ type, name })) };

async function deploy(file, name, args = []) {
  const { abi, bytecode } = contract(file, name);
  const factory = new ethers.ContractFactory(abi, bytecode);
  const receipt = await send(null, (await factory.getDeployTransaction(...args)).data);
  return receipt.contractAddress;
}

const count = async (n) => Number(await rpc('eth_getStorageAt', [TARGET, `0x${n.toString(16).padStart(64, '0')}`, 'latest']));
const successes = (receipt, safe) => receipt.logs.filter((l) => l.address.toLowerCase() === safe.toLowerCase()
  && l.topics[0] === ethers.id('ExecutionSuccess(bytes32,uint256)')).map((l) => l.topics[1]);

async function main() {
  for (let i = 0; i < 100; i++) {
    try { await rpc('eth_chainId'); break; } catch { await new Promise((r) => setTimeout(r, 50)); }
  }
  await rpc('anvil_setBalance', [pays.address, '0x3635c9adc5dea00000']);
  await rpc('anvil_setBalance', [owners[2].address, '0x3635c9adc5dea00000']);
  await rpc('anvil_setCode', [TARGET, COUNTER]);
  const master = await deploy('Safe.sol', 'Safe');
  const batch = await deploy('libraries/MultiSendCallOnly.sol', 'MultiSendCallOnly');
  const loose = await deploy('libraries/MultiSend.sol', 'MultiSend');
  const safe = await deploy('proxies/SafeProxy.sol', 'SafeProxy', [master]);
  const face = new ethers.Interface(contract('Safe.sol', 'Safe').abi);
  const zero = ethers.ZeroAddress;
  await send(safe, face.encodeFunctionData('setup',
    [owners.map((o) => o.address), 2, zero, '0x', zero, zero, 0, zero]));
  await rpc('anvil_setBalance', [safe, '0x3635c9adc5dea00000']);
  const at = { safe, batch };
  const read = async (name, args = []) => face.decodeFunctionResult(name, await rpc('eth_call',
    [{ to: safe, data: face.encodeFunctionData(name, args) }, 'latest']));
  const hashOf = (tx) => ethers.TypedDataEncoder.hash({ chainId: CHAIN, verifyingContract: safe }, TYPES, { value: 0,
    data: '0x', operation: 0, safeTxGas: 0, baseGas: 0, gasPrice: 0, gasToken: zero, refundReceiver: zero, ...tx });

  // two keys: executed at once
  const friend = '0x00000000000000000000000000000000000fee01';
  let got = await run({ ...at, keys: [0, 1], calls: [{ to: friend, value: 12345 }] });
  check('two of three owners: the hash is what ethers makes of it', got.status === 0 && got.signed === 2
    && got.hash === hashOf({ to: friend, value: 12345, nonce: 0 }), got);
  let receipt = await send(safe, got.data);
  check('and the Safe executes it', successes(receipt, safe)[0] === got.hash
    && BigInt(await rpc('eth_getBalance', [friend, 'latest'])) === 12345n, receipt);

  // a batch: proposed by one, executed by another
  const calls = [1, 2, 3].map((n) => ({ to: TARGET, data: hit(n) }));
  got = await run({ ...at, keys: [0], calls });
  const proposal = JSON.parse(got.data);
  check('one key: a proposal as the Safe service takes it, signed by that owner', got.status === ERROR.AGAIN
    && proposal.contractTransactionHash === got.hash && proposal.sender === owners[0].address && proposal.operation === 1
    && ethers.recoverAddress(got.hash, proposal.signature) === owners[0].address
    && hashOf({ ...proposal }) === got.hash, got);
  const before = paper(got.data);
  got = await run({ ...at, keys: [1], papers: before, calls });
  receipt = await send(safe, got.data);
  check('the other owner adds his, and the whole batch is executed', successes(receipt, safe)[0] === got.hash
    && (await count(1)) + (await count(2)) + (await count(3)) === 3, got);
  got = await run({ ...at, keys: [1], papers: before, calls });
  check('a proposal whose nonce is gone is not taken', got.status === ERROR.DENIED && got.signed === 0, got);

  // signatures of other owners in other forms
  got = await run({ ...at, calls: [{ to: TARGET, data: hit(4) }] });
  const eth = Buffer.from((await owners[1].signMessage(ethers.getBytes(got.hash))).slice(2), 'hex');
  eth[64] += 4;
  await send(safe, face.encodeFunctionData('approveHash', [got.hash]), owners[2]);
  const approved = `0x${'0'.repeat(24)}${owners[2].address.slice(2).toLowerCase()}${'0'.repeat(64)}01`;
  const told = paper({ safe, safeTxHash: got.hash, nonce: got.nonce, isExecuted: false, confirmations: [
    { owner: owners[1].address, signature: `0x${eth.toString('hex')}`, signatureType: 'ETH_SIGN' },
    { owner: owners[2].address, signature: approved, signatureType: 'APPROVED_HASH' }] });
  got = await run({ ...at, papers: told, calls: [{ to: TARGET, data: hit(4) }] });
  receipt = await send(safe, got.data);
  check('signed as a message, and approved on the chain: executed without a key of ours', got.signed === 0
    && successes(receipt, safe)[0] === got.hash && (await count(4)) === 1, got);

  // what is not signed
  got = await run({ ...at, chain: 137, keys: [0, 1], calls });
  check('nothing is signed for another chain', got.status === ERROR.DENIED && got.signed === 0, got);
  for (const [what, wrong] of [['MultiSend, which lets a call be a delegation', loose], ['an account without code', friend]]) {
    got = await run({ ...at, batch: wrong, keys: [0, 1], calls });
    check(`no batch by way of ${what}`, got.status === ERROR.DENIED && got.signed === 0, got);
  }
  got = await run({ ...at, keys: [0, 1], calls: [{ to: safe, data: face.encodeFunctionData('changeThreshold', [1]) }] });
  check('no change of the Safe itself', got.status === ERROR.DENIED && got.asked === 0, got);
  const nonce = Number((await read('nonce'))[0]);
  got = await run({ ...at, nonce: nonce + 4, keys: [0, 1], calls });
  check('one behind others is proposed, not executed', got.status === ERROR.AGAIN && got.nonce === nonce + 4, got);
}

try {
  await main();
} catch (error) {
  check('the trial runs to its end', false, String(error.stack));
}
anvil.kill();
rmSync(folder, { recursive: true, force: true });
results.forEach(([name, why], i) => {
  if (why) console.log(`# ${why.slice(0, 2000)}`);
  console.log(`${why ? 'not ok' : 'ok'} ${i + 1} - ${name}`);
});
console.log(`1..${results.length}`);
process.exitCode = results.some(([, why]) => why) ? 1 : 0;
