// Transactions that the SDK builds, on a real runtime (Surfpool): transfers, lookup tables, durable
// nonces, compute budgets and the largest that fit. The official client reads each message and signs
// it. What the runtime answers to bad ones is read by the SDK and by the official client.
//
//   transactions.mjs ANSWERS [--seed 1]
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import readline from 'node:readline';
import web3 from '@solana/web3.js';
import bs58 from 'bs58';
import { sleep } from '../e2e/lib/anvil.mjs';
import { report } from './lib/run.mjs';
import { ask, startSurfpool } from './lib/node.mjs';

const SLOT_MS = 50;
const official = await import('@solana/errors').catch(() => null); // it asks for Node 20
const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const seed = option('seed', 1);
const child = spawn(process.argv[2], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
async function sdk(question) {
  child.stdin.write(`${question}\n`);
  return (await lines.next()).value;
}

const hex = (data) => Buffer.from(data).toString('hex');
const hexKey = (key) => hex(key.toBytes());
const keypair = (name) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse transactions ${seed} ${name}`).digest());
const checks = [];
const check = (what, good, detail = '') => {
  checks.push([what, good]);
  if (!good) console.log(`# ${what}: ${detail}`);
};

// ---- names of errors ----

const camel = (name) => name.toLowerCase().replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());
const namesOf = (kind) => Object.keys(official)
  .map((name) => new RegExp(`^SOLANA_ERROR__${kind}_ERROR__(.+)$`).exec(name)?.[1])
  .filter((name) => name && name !== 'UNKNOWN');
const text = (error) => JSON.stringify(error);

async function names() {
  const seen = { transaction: new Set(), instruction: new Set() };
  const wrong = [];
  for (const name of namesOf('TRANSACTION').map(camel)) {
    const [number, , , , ...words] = (await sdk(`error ${text(name)}`)).split(' ');
    seen.transaction.add(Number(number));
    if (Number(number) < 1 || !words.join(' ').startsWith(name)) wrong.push(name);
  }
  for (const [i, name] of namesOf('INSTRUCTION').map(camel).entries()) {
    const [, number, index, , ...words] = (await sdk(`error ${text({ InstructionError: [i, name === 'Custom' ? { Custom: 3 } : name] })}`)).split(' ');
    seen.instruction.add(Number(number));
    if (Number(number) < 1 || Number(index) !== i || !words.join(' ').includes(name)) wrong.push(name);
  }
  check(`${seen.transaction.size} names of transaction errors and ${seen.instruction.size} of instruction errors, as the official client has them`,
    wrong.length === 0 && seen.transaction.size >= 36 && seen.instruction.size >= 53, wrong.join(', '));
}

// ---- sending ----

const node = await startSurfpool(SLOT_MS);
const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
const blockhash = async () => {
  const { value } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
  return `hash:${hex(bs58.decode(value.blockhash))}`;
};

/** The SDK's message; or what keeps it from being one. */
async function compile({ version = '0', life, budget = '0,0,0,0', instructions, tables = '-' }) {
  const answer = await sdk(`compile ${version} ${hexKey(payer.publicKey)} ${life ?? await blockhash()} ${budget} ${instructions} ${tables}`);
  const [verdict, first, bytes, signatures, locks, fee] = answer.split(' ');
  if (verdict !== 'good') return { refused: first };
  const message = web3.VersionedMessage.deserialize(Buffer.from(first, 'hex'));
  return { message, bytes: Number(bytes), signatures: Number(signatures), locks: Number(locks), fee: Number(fee) };
}

const signed = (compiled, signers) => {
  const transaction = new web3.VersionedTransaction(compiled.message);
  transaction.sign([payer, ...signers]);
  return Buffer.from(transaction.serialize());
};

/** Sends it and waits for its outcome: null, or the error. */
async function land(compiled, signers = []) {
  const wire = signed(compiled, signers);
  if (wire.length !== compiled.bytes) throw new Error(`${wire.length} bytes, the SDK says ${compiled.bytes}`);
  const signature = await ask(node.rpc, 'sendTransaction', [wire.toString('base64'), { encoding: 'base64', skipPreflight: true }]);
  for (let i = 0; i < 200; i++) {
    const { value: [status] } = await ask(node.rpc, 'getSignatureStatuses', [[signature]]);
    if (status && status.confirmationStatus !== 'processed') return status.err;
    await sleep(20);
  }
  return 'never confirmed';
}
const balance = async (key) => (await ask(node.rpc, 'getBalance', [String(key), { commitment: 'confirmed' }])).value;
const accountOf = async (key) => {
  const { value } = await ask(node.rpc, 'getAccountInfo', [String(key), { encoding: 'base64', commitment: 'confirmed' }]);
  return value && Buffer.from(value.data[0], 'base64');
};
const transfer = (to, lamports) => sdk(`make transfer ${hexKey(payer.publicKey)} ${hexKey(to)} ${lamports}`);

async function transfers() {
  for (const version of ['legacy', '0']) {
    const to = keypair(`to ${version}`).publicKey;
    const compiled = await compile({ version, budget: '1000,5000,0,0', instructions: await transfer(to, 2_000_000) });
    const before = await balance(payer.publicKey);
    const error = await land(compiled);
    const fee = before - await balance(payer.publicKey) - 2_000_000;
    check(`a transfer, ${version}, with a budget; its fee of ${compiled.fee} lamports as the runtime takes it`,
      error === null && await balance(to) === 2_000_000 && fee === compiled.fee, `${text(error)}, fee ${fee}`);
  }
}

async function tables() {
  const keys = ['a', 'b', 'c'].map((name) => keypair(`looked up ${name}`).publicKey);
  const slot = await ask(node.rpc, 'getSlot', [{ commitment: 'confirmed' }]);
  const made = await land(await compile({ instructions: await sdk(`make table ${hexKey(payer.publicKey)} ${keys.map(hexKey).join(' ')} ${slot}`) }));
  const [, address] = web3.AddressLookupTableProgram.createLookupTable({ authority: payer.publicKey, payer: payer.publicKey, recentSlot: slot });
  const state = await accountOf(address);
  const stored = state ? web3.AddressLookupTableAccount.deserialize(state).addresses.map(String) : [];
  check('a lookup table is made and extended', made === null && String(stored) === String(keys), `${text(made)} ${stored}`);
  await sleep(3 * SLOT_MS); // keys can be used from the next slot on
  const table = `${hexKey(address)}:${keys.map(hexKey).join(',')}`;
  const instructions = (await Promise.all(keys.map((key, i) => transfer(key, 1_000_000 + i)))).join(';');
  const compiled = await compile({ instructions, tables: table });
  const error = await land(compiled);
  const amounts = await Promise.all(keys.map(balance));
  check(`transfers to ${keys.length} keys of the table, which are not in the message`,
    error === null && String(amounts) === '1000000,1000001,1000002' && compiled.message.addressTableLookups.length === 1 &&
    compiled.message.staticAccountKeys.length === 2 && compiled.locks === 5, `${text(error)} ${amounts}`);
  const off = await land(await compile({ instructions: await sdk(`make table_deactivate ${hexKey(address)} ${hexKey(payer.publicKey)}`) }));
  const after = web3.AddressLookupTableAccount.deserialize(await accountOf(address));
  check('and is deactivated', off === null && after.deactivationSlot < 1n << 63n, text(off));
}

async function nonces() {
  const nonce = keypair('nonce');
  const other = keypair('authority');
  const to = keypair('durable').publicKey;
  const made = await land(await compile({ instructions: await sdk(`make nonce ${hexKey(payer.publicKey)} ${hexKey(nonce.publicKey)} ${hexKey(payer.publicKey)} 1447680`) }), [nonce]);
  const value = async () => hex((await accountOf(nonce.publicKey)).subarray(40, 72));
  const life = async (authority = payer) => `nonce:${await value()}:${hexKey(nonce.publicKey)}:${hexKey(authority.publicKey)}`;
  check('a nonce account is made', made === null, text(made));
  const before = await value();
  const compiled = await compile({ life: await life(), budget: '2000,0,0,0', instructions: await transfer(to, 3_000_000) });
  const first = await land(compiled);
  check('a durable transfer lands, and advances the nonce', first === null && await balance(to) === 3_000_000 && await value() !== before, text(first));
  const again = await ask(node.rpc, 'simulateTransaction', [signed(compiled, []).toString('base64'), { encoding: 'base64', sigVerify: false }]);
  const read = (await sdk(`simulation ${text(again.value)}`)).split(' ');
  check(`the same bytes do not land twice (${read.slice(5).join(' ')})`, ['7', '8'].includes(read[1]) && await balance(to) === 3_000_000, text(again.value.err));
  const given = await land(await compile({ instructions: await sdk(`make nonce_authorize ${hexKey(nonce.publicKey)} ${hexKey(payer.publicKey)} ${hexKey(other.publicKey)}`) }));
  const theirs = await land(await compile({ life: await life(other), instructions: await transfer(to, 1) }), [other]);
  check('the nonce is given to another authority, who then must sign', given === null && theirs === null && await balance(to) === 3_000_001, `${text(given)} ${text(theirs)}`);
  const closed = await land(await compile({ instructions: await sdk(`make nonce_withdraw ${hexKey(nonce.publicKey)} ${hexKey(other.publicKey)} ${hexKey(payer.publicKey)} 1447680`) }), [other]);
  check('and is closed', closed === null && await accountOf(nonce.publicKey) === null, text(closed));
}

// ---- limits ----

const MEMO = hex(bs58.decode('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'));
async function limits() {
  let most = null;
  let next = null;
  for (let n = 1000; n < 1100 && !next; n++) {
    const compiled = await compile({ instructions: `${MEMO}::${'61'.repeat(n)}` });
    if (compiled.refused) next = compiled.refused;
    else most = compiled;
  }
  // the runtime's program for memos spends more units on longer ones than its default has
  const error = await ask(node.rpc, 'simulateTransaction', [signed(most, []).toString('base64'), { encoding: 'base64', sigVerify: true }]);
  check(`${most.bytes} bytes are taken, one more is refused: ${next}`, most.bytes === 1232 && next === 'BYTES' &&
    (error.value.err === null || error.value.err.InstructionError !== undefined), text(error));
  const keys = Array.from({ length: 63 }, (_, i) => keypair(`lock ${i}`).publicKey);
  const slot = await ask(node.rpc, 'getSlot', [{ commitment: 'confirmed' }]);
  const [, address] = web3.AddressLookupTableProgram.createLookupTable({ authority: payer.publicKey, payer: payer.publicKey, recentSlot: slot });
  const table = `${hexKey(address)}:${keys.map(hexKey).join(',')}`;
  const naming = (n) => `${MEMO}:${keys.slice(0, n).map((key) => `${hexKey(key)}--`).join(',')}:61`;
  const [fits, above] = [await compile({ instructions: naming(62), tables: table }), await compile({ instructions: naming(63), tables: table })];
  check(`${fits.locks} accounts can be locked, one more is refused: ${above.refused}`, fits.locks === 64 && above.refused === 'LOCKS');
}

// ---- what the runtime says ----

async function errors() {
  const unknown = `hash:${'07'.repeat(32)}`;
  const rich = await transfer(keypair('poor').publicKey, '9000000000000000');
  const system = '00'.repeat(32);
  const cases = [
    { name: 'too little money', instructions: rich },
    { name: 'in the second instruction', instructions: `${await transfer(keypair('first').publicKey, 1_000_000)};${rich}` },
    { name: 'unknown blockhash', life: unknown, instructions: await transfer(payer.publicKey, 1) },
    { name: 'no such instruction', instructions: `${system}::ffffffff` },
    { name: 'too few accounts', instructions: `${system}::020000000100000000000000` },
    { name: 'no such program', instructions: `${hexKey(keypair('program').publicKey)}::00` },
    { name: 'too few units', budget: '100,0,0,0', instructions: `${MEMO}::${'61'.repeat(200)}` },
    { name: 'rent', instructions: await transfer(keypair('rent').publicKey, 1) },
    { name: 'good', instructions: await transfer(payer.publicKey, 1) },
  ];
  const wrong = [];
  for (const one of cases) {
    const compiled = await compile(one);
    const { value } = await ask(node.rpc, 'simulateTransaction', [signed(compiled, []).toString('base64'), { encoding: 'base64', sigVerify: false, commitment: 'confirmed' }]);
    const [units, transaction, instruction, index, custom, ...words] = (await sdk(`simulation ${text(value)}`)).split(' ');
    console.log(`#   ${one.name}: ${words.join(' ')}, ${units} units`);
    if (Number(units) !== value.unitsConsumed) wrong.push(`${one.name}: ${units} units`);
    if (value.err === null) {
      if (transaction !== '0') wrong.push(`${one.name}: ${words}`);
      continue;
    }
    const theirs = official.getSolanaErrorFromTransactionError(value.err).context;
    const code = Number(instruction) > 0 ? official.SOLANA_ERROR__INSTRUCTION_ERROR__UNKNOWN : official.SOLANA_ERROR__TRANSACTION_ERROR__UNKNOWN;
    const named = Object.keys(official).find((name) => official[name] === theirs.__code);
    const ours = words.join(' ').replace(/^instruction \d+ failed: /, '').split(/[ ,]/)[0];
    if (theirs.__code === code || camel(named.replace(/^SOLANA_ERROR__\w+?_ERROR__/, '')) !== ours) wrong.push(`${one.name}: ${ours}, the client says ${named}`);
    if (theirs.index !== undefined && theirs.index !== Number(index)) wrong.push(`${one.name}: index ${index}`);
    if (theirs.code !== undefined && theirs.code !== Number(custom)) wrong.push(`${one.name}: custom ${custom}`);
  }
  check(`${cases.length} simulations are read as the official client reads them`, wrong.length === 0, wrong.join('; '));
}

const skip = (what) => check(`${what} # SKIP @solana/errors cannot be loaded here`, true);
if (official) await names();
else skip('names of errors');
await transfers();
await tables();
await nonces();
await limits();
if (official) await errors();
else skip('simulations');
child.stdin.end();
await node.stop();
report(checks);
