// Keys beside other clients: random digests signed and recovered as viem and ethers do, messages as
// the official Solana client's own curve does, fresh V3 keystores of ethers imported, and the table
// of chains beside viem's. Deterministic but for the keystores: the seed is printed. Prints TAP.
//
//   clients.mjs ANSWERS HAWSE [--digests 10000] [--keystores 3] [--seed 1]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import readline from 'node:readline';

const here = (path) => new URL(path, import.meta.url);
const require = createRequire(here('../e2e/package.json'));
const { ethers } = require('ethers');
const { sign } = require('viem/accounts');
const chains = require('viem/chains');
const { recoverAddress } = require('viem');
const solana = existsSync(here('../solana/node_modules/@solana/web3.js'))
  ? createRequire(here('../solana/package.json')) : null;

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const [answers, hawse] = process.argv.slice(2);
const digests = option('digests', 10000);
const keystores = option('keystores', 3);
const seed = option('seed', 1);

let counter = 0;
const bytes32 = () => createHash('sha256').update(`hawse keys ${seed} ${counter++}`).digest();
const hex = (data) => Buffer.from(data).toString('hex');

const child = spawn(answers, { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
async function ask(questions) {
  child.stdin.write(questions.join('\n') + '\n');
  const out = [];
  for (let i = 0; i < questions.length; i++) out.push((await lines.next()).value);
  return out;
}

let number = 0;
let failed = 0;
function report(what, detail, skip) {
  number++;
  if (detail) {
    failed++;
    console.log(`# ${detail}`);
  }
  console.log(`${detail ? 'not ' : ''}ok ${number} - ${what}${skip ? ` # SKIP ${skip}` : ''}`);
}

// ---- secp256k1 ----

async function ours(rows) {
  const out = [];
  for (let at = 0; at < rows.length; at += 500) {
    out.push(...await ask(rows.slice(at, at + 500)));
  }
  return out;
}

async function digestsAgree() {
  const keys = Array.from({ length: 50 }, bytes32);
  const wallets = keys.map((k) => new ethers.SigningKey(`0x${hex(k)}`));
  const addresses = wallets.map((w) => ethers.computeAddress(w.publicKey).slice(2).toLowerCase());
  const rows = Array.from({ length: digests }, (_, i) => [i % keys.length, bytes32()]);
  const got = await ours(rows.map(([k, digest]) => `secp256k1 ${hex(keys[k])} ${hex(digest)}`));
  let wrong = null;
  for (let i = 0; i < rows.length && !wrong; i++) {
    const [k, digest] = rows[i];
    const want = wallets[k].sign(digest).serialized.slice(2);
    if (got[i] !== `${addresses[k]} ${want}`) wrong = `digest ${hex(digest)}: ${got[i]}, ethers ${addresses[k]} ${want}`;
  }
  report(`${rows.length} signatures are those of ethers, byte for byte`, wrong);
  for (let i = 0; i < rows.length && !wrong; i++) {
    const [k, digest] = rows[i];
    const want = await sign({ hash: `0x${hex(digest)}`, privateKey: `0x${hex(keys[k])}`, to: 'hex' });
    if (got[i].split(' ')[1] !== want.slice(2)) wrong = `digest ${hex(digest)}: ${got[i]}, viem ${want}`;
  }
  report(`${rows.length} signatures are those of viem`, wrong);
  return rows.map(([k, digest], i) => [digest, got[i].split(' ')[1], addresses[k]]);
}

/** Good signatures, and some with a bit changed: the same sender, another one, or none, as ethers says. */
async function sendersAgree(good) {
  const n = 2n ** 256n - 0x14551231950b75fc4402da1732fc9bebfn;
  const rows = [];
  good.slice(0, 1500).forEach(([digest, signature], i) => {
    const data = Buffer.from(signature, 'hex');
    if (i % 3 === 1) data[(i * 7) % 64] ^= 1 << (i % 8);
    if (i % 3 === 2) { // s in the upper half, with the other parity: the same sender
      const s = n - BigInt(`0x${data.subarray(32, 64).toString('hex')}`);
      data.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex'), 32);
      data[64] ^= 27 ^ 28;
    }
    rows.push([digest, data]);
  });
  const got = await ours(rows.map(([d, s]) => `recover ${hex(d)} ${hex(s)}`));
  let wrong = null;
  let none = 0;
  let high = 0;
  for (let i = 0; i < rows.length && !wrong; i++) {
    const [digest, data] = rows[i];
    let want = 'none';
    try { // viem recovers from either half, as the EVM's precompile does
      want = (await recoverAddress({ hash: `0x${hex(digest)}`, signature: `0x${hex(data)}` })).slice(2).toLowerCase();
    } catch { none++; }
    const s = BigInt(`0x${data.subarray(32, 64).toString('hex')}`);
    if (want !== 'none' && s > n / 2n) {
      want += ' high';
      high++;
    }
    if (got[i] !== want) wrong = `${hex(digest)} ${hex(data)}: ${got[i]}, viem ${want}`;
  }
  report(`${rows.length} senders are those that viem recovers (${none} nobody, ${high} with a high s)`,
    wrong ?? (none === 0 || high < rows.length / 4 ? 'too few of the odd ones' : null));
}

// ---- Ed25519 ----

async function messagesAgree() {
  const what = 'signatures of messages are those of the official Solana client';
  if (!solana) return report(what, null, 'packages of tests/solana are not installed');
  const { Keypair, Transaction, SystemProgram } = solana('@solana/web3.js');
  const count = digests;
  const rows = [];
  for (let i = 0; i < count; i++) {
    const pair = Keypair.fromSeed(bytes32());
    const tx = new Transaction({ feePayer: pair.publicKey, recentBlockhash: Keypair.fromSeed(bytes32()).publicKey.toBase58() });
    tx.add(SystemProgram.transfer({ fromPubkey: pair.publicKey, toPubkey: Keypair.fromSeed(bytes32()).publicKey, lamports: i }));
    tx.sign(pair);
    rows.push([pair.secretKey.subarray(0, 32), tx.serializeMessage(), hex(pair.publicKey.toBytes()), hex(tx.signature)]);
  }
  const got = await ours(rows.map(([s, m]) => `ed25519 ${hex(s)} ${hex(m)}`));
  const at = rows.findIndex(([, , key, signature], i) => got[i] !== `${key} ${signature}`);
  return report(`${count} ${what}`, at < 0 ? null : `${hex(rows[at][1])}: ${got[at]}, ${rows[at][3]} expected`);
}

// ---- chains ----

/** Whatever viem calls a test network must not be a mainnet here, and the other way round. */
async function chainsAgree() {
  const all = new Map();
  for (const c of Object.values(chains)) {
    if (c && c.id && !all.has(c.id)) all.set(c.id, c);
    else if (c && c.id && c.testnet) all.get(c.id).shared = true; // two chains of one id: nobody can tell
  }
  const list = [...all.values()].filter((c) => !c.shared);
  const got = await ask(list.map((c) => `chain ${c.id}`));
  const local = new Set([1337, 31337]); // development nodes: viem does not call them test networks
  const wrong = list.filter((c, i) => (got[i].startsWith('mainnet') && c.testnet)
    || (got[i].startsWith('testnet') && !c.testnet && !local.has(c.id)));
  const known = got.filter((g) => !g.startsWith('unknown')).length;
  report(`${known} chains are what viem says they are, of ${list.length}`,
    wrong.length ? wrong.map((c) => `${c.id} ${c.name}`).join(', ') : known < 35 ? 'too few are known' : null);
}

// ---- keystores ----

function keystoresOpen() {
  const folder = mkdtempSync(join(tmpdir(), 'hawse-v3-'));
  let wrong = null;
  try {
    for (let i = 0; i < keystores && !wrong; i++) {
      const wallet = ethers.Wallet.createRandom();
      const password = `p ${hex(bytes32())} Ä`;
      const text = ethers.encryptKeystoreJsonSync({ address: wallet.address, privateKey: wallet.privateKey },
        password, i === 0 ? {} : { scrypt: { N: 4096, r: 8, p: 1 } }); // the first as ethers makes it
      const file = join(folder, `v3-${i}`);
      writeFileSync(file, text, { mode: 0o600 });
      const done = spawnSync(hawse, ['keys', 'import', `k${i}`, file, '--json', '--cost', 'interactive',
        '--dir', join(folder, 'keys'), '--import-passphrase-from', 'env:V3', '--passphrase-from', 'env:V3'],
      { encoding: 'utf8', env: { ...process.env, V3: password } });
      const found = done.status === 0 ? JSON.parse(done.stdout).address : done.stderr;
      if (found !== wallet.address) wrong = `${found}, ethers ${wallet.address}`;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  report(`${keystores} V3 keystores that ethers has just made are imported`, wrong);
}

console.log(`# seed ${seed}`);
const good = await digestsAgree();
await sendersAgree(good);
await messagesAgree();
await chainsAgree();
keystoresOpen();
child.stdin.end();
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
