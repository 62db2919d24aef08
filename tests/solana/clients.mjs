// The SDK beside the official client: random addresses, base58, messages and broken transactions get
// the same answers from both. Broken ones are also given to a real runtime (litesvm), which decides
// what a good message is. Deterministic: the seed is printed.
//
//   clients.mjs ANSWERS [--pdas 20000] [--messages 10000] [--broken 4000] [--seed 1]
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import web3 from '@solana/web3.js';
import bs58 from 'bs58';

const { PublicKey, Message, MessageV0, VersionedMessage, AddressLookupTableAccount } = web3;
const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const size = {
  pdas: option('pdas', 20000), messages: option('messages', 10000), broken: option('broken', 4000),
};
const seed = option('seed', 1);

// ---- random things ----

let counter = 0;
let pool = Buffer.alloc(0);
function bytes(n) {
  while (pool.length < n) {
    pool = Buffer.concat([pool, createHash('sha512').update(`hawse ${seed} ${counter++}`).digest()]);
  }
  const out = pool.subarray(0, n);
  pool = pool.subarray(n);
  return Buffer.from(out);
}
const below = (n) => bytes(4).readUInt32LE() % n;
const chance = (percent) => below(100) < percent;
const pick = (list) => list[below(list.length)];
const hex = (data) => Buffer.from(data).toString('hex');

// ---- the program that is asked ----

const child = spawn(process.argv[2], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
async function ask(questions) {
  child.stdin.write(questions.join('\n') + '\n');
  const answers = [];
  for (let i = 0; i < questions.length; i++) {
    const { value, done } = await lines.next();
    if (done) throw new Error(`answers ended after ${questions[i].slice(0, 200)}`);
    answers.push(value);
  }
  return answers;
}

let number = 0;
let failed = 0;
function report(what, rows, detail) {
  number++;
  if (detail) {
    failed++;
    console.log(`# ${detail}`);
  }
  console.log(`${detail ? 'not ' : ''}ok ${number} - ${what}, ${rows} compared`);
}

/** Compares answers with what each case wants; the first difference in words. */
async function compare(what, cases) {
  let first = null;
  for (let at = 0; at < cases.length; at += 500) {
    const some = cases.slice(at, at + 500);
    const answers = await ask(some.map((c) => c.question));
    some.forEach((c, i) => {
      if (answers[i] !== c.want && !first) {
        first = `${c.question.slice(0, 300)}: got ${answers[i].slice(0, 300)}, ${c.want.slice(0, 300)} expected`;
      }
    });
  }
  report(what, cases.length, first);
}

// ---- base58, curve, addresses ----

function base58Cases(n) {
  const cases = [];
  for (let i = 0; i < n; i++) {
    const data = bytes(below(i % 20 === 0 ? 1232 : 80));
    if (chance(20)) data.fill(0, 0, below(data.length + 1));
    const text = bs58.encode(data);
    cases.push({ question: `encode ${hex(data)}`, want: text });
    cases.push({ question: `decode ${text}`, want: hex(data) });
  }
  return cases;
}

function curveCases(n) {
  return Array.from({ length: n }, () => {
    const key = bytes(32);
    return { question: `curve ${hex(key)}`, want: PublicKey.isOnCurve(key) ? '1' : '0' };
  });
}

function addressCases(n) {
  return Array.from({ length: n }, () => {
    const program = bytes(32);
    const seeds = Array.from({ length: below(16) }, () => bytes(below(33)));
    const [address, bump] = PublicKey.findProgramAddressSync(seeds, new PublicKey(program));
    const list = seeds.map((s) => hex(s) || '-').join(',');
    return {
      question: `pda ${hex(program)}${seeds.length ? ` ${list}` : ''}`,
      want: `${hex(address.toBytes())} ${bump}`,
    };
  });
}

// ---- messages ----

/** A random plan: some keys used again and again, with other flags, as programs and in tables. */
function plan() {
  const keys = Array.from({ length: 2 + below(14) }, () => new PublicKey(bytes(32)));
  const signers = new Set(keys.filter(() => chance(20)));
  const instructions = Array.from({ length: below(6) }, () => ({
    programId: pick(keys),
    keys: Array.from({ length: below(9) }, () => {
      const pubkey = pick(keys);
      return { pubkey, isSigner: signers.has(pubkey) && chance(70), isWritable: chance(50) };
    }),
    data: bytes(below(chance(3) ? 1100 : 40)),
  }));
  const tables = Array.from({ length: below(4) }, () => new AddressLookupTableAccount({
    key: new PublicKey(bytes(32)),
    state: {
      deactivationSlot: 0n, lastExtendedSlot: 0, lastExtendedSlotStartIndex: 0, authority: undefined,
      addresses: Array.from({ length: below(30) }, () => (chance(40) ? pick(keys) : new PublicKey(bytes(32)))),
    },
  }));
  return { payerKey: pick(keys), recentBlockhash: bs58.encode(bytes(32)), instructions, tables };
}

function messageQuestion(p, version) {
  const flags = (k) => (k.isSigner ? 's' : '-') + (k.isWritable ? 'w' : '-');
  const instructions = p.instructions.map((i) => [
    hex(i.programId.toBytes()), i.keys.map((k) => hex(k.pubkey.toBytes()) + flags(k)).join(','),
    hex(i.data) || '-'].join(':')).join(';');
  const tables = version === 'legacy' ? '' : p.tables.map((t) => [
    hex(t.key.toBytes()), t.state.addresses.map((a) => hex(a.toBytes())).join(',')].join(':')).join(';');
  return ['message', version, hex(p.payerKey.toBytes()), hex(bs58.decode(p.recentBlockhash)),
    instructions || '-', tables || '-'].join(' ');
}

/** The official client's bytes, or null when the message does not fit a transaction. */
function official(p, version) {
  let message;
  try {
    message = version === 'legacy'
      ? Message.compile({ payerKey: p.payerKey, instructions: p.instructions, recentBlockhash: p.recentBlockhash })
      : MessageV0.compile({ ...p, addressLookupTableAccounts: p.tables });
    const wire = message.serialize();
    return 1 + 64 * message.header.numRequiredSignatures + wire.length > 1232 ? null : wire;
  } catch (error) {
    if (/overruns|out of range|too large/i.test(error.message)) return null; // its buffer is full
    throw error;
  }
}

const wireOf = (message) => Buffer.concat([
  Buffer.from([message[0] & 0x80 ? message[1] : message[0]]),
  Buffer.alloc(64 * (message[0] & 0x80 ? message[1] : message[0]), 1), message]);

/** What the official client reads in a message, in the words of answers.c. */
function described(bytesOfMessage) {
  const m = VersionedMessage.deserialize(bytesOfMessage);
  const h = m.header;
  const parts = [String(m.version), `${h.numRequiredSignatures},${h.numReadonlySignedAccounts},${h.numReadonlyUnsignedAccounts}`,
    m.staticAccountKeys.map((k) => hex(k.toBytes())).join(''), hex(bs58.decode(m.recentBlockhash))];
  for (const i of m.compiledInstructions) parts.push(`${i.programIdIndex}:${hex(i.accountKeyIndexes)}:${hex(i.data)}`);
  for (const l of m.addressTableLookups) parts.push(`${hex(l.accountKey.toBytes())}:${hex(l.writableIndexes)}:${hex(l.readonlyIndexes)}`);
  return parts.join(' ');
}

function messageCases(n) {
  const encode = [];
  const read = [];
  let tooLarge = 0;
  while (encode.length < n) {
    const p = plan();
    const version = chance(40) ? 'legacy' : '0';
    const wire = official(p, version);
    if (!wire) tooLarge++;
    encode.push({ question: messageQuestion(p, version), want: wire ? hex(wire) : 'error -10' });
    // the payer as a program compiles, and no runtime takes it: for reading, the rules decide
    if (!wire) continue;
    const payerRuns = p.instructions.some((i) => i.programId.equals(p.payerKey));
    read.push({
      question: `read ${hex(wireOf(wire))}`,
      want: `${payerRuns ? 'rule PROGRAM_IS_PAYER' : 'good unsigned'} ${described(wire)}`,
    });
  }
  console.log(`# ${tooLarge} of ${n} messages were too large: refused by both`);
  return { encode, read };
}

// ---- broken transactions, judged by a runtime ----

// litesvm's numbers of errors; without its table the runtime does not get to duplicate keys
const NUMBERS = { 1: 'AccountLoadedTwice', 13: 'SanitizeFailure', 22: 'TableNotFound' };

/** A good transfer-like transaction with one number changed. */
function broken() {
  let p = plan();
  let wire = official(p, '0');
  const version = chance(50) ? 'legacy' : '0';
  while (!(wire = official(p, version)) || p.instructions.length === 0) p = plan();
  const message = Buffer.from(wire);
  const head = message[0] & 0x80 ? 1 : 0;
  const keys = head + 4; // fewer than 128 keys: one byte of count
  const count = message[head + 3];
  const body = keys + 32 * count + 32;
  const kind = below(5);
  if (kind === 0) message[head + below(3)] = below(count + 3);
  if (kind === 1) message.copy(message, keys + 32 * below(count), keys + 32 * below(count), keys + 32 * count);
  if (kind === 2 && message[body] > 0) message[body + 1] = below(count + 3); // first program
  if (kind === 3 && message[body] > 0 && message[body + 2] > 0) message[body + 3] = below(60); // its first account
  if (kind === 4) {
    const from = keys + 32 * below(count);
    const to = keys + 32 * below(count);
    message.copy(message, to, from, from + 32);
  }
  const signatures = below(10) === 0 ? below(4) : message[head];
  return Buffer.concat([Buffer.from([signatures]), Buffer.alloc(64 * signatures, 1), message]);
}

/** The runtime's verdict: what it refuses for its form, and nothing else. */
function verdict(svm, wire) {
  const result = svm.inner.sendVersionedTransaction(wire);
  if (typeof result.err !== 'function') return 'good';
  const error = result.err();
  return typeof error === 'number' ? NUMBERS[error] ?? 'good' : 'good';
}

async function judgeBroken(n) {
  if (Number(process.versions.node.split('.')[0]) < 20) { // npm leaves its native part out there
    console.log(`ok ${++number} - broken transactions judged by the runtime # SKIP litesvm needs Node 20`);
    return;
  }
  const { LiteSVM } = await import('litesvm');
  const svm = new LiteSVM().withSigverify(false).withBlockhashCheck(false).withTransactionHistory(0n);
  const counts = {};
  const want = {
    SanitizeFailure: ['rule'], AccountLoadedTwice: ['rule DUPLICATE_KEY'], good: ['good'],
    TableNotFound: ['good', 'rule DUPLICATE_KEY'],
  };
  let first = null;
  for (let at = 0; at < n; at += 200) {
    const wires = Array.from({ length: Math.min(200, n - at) }, broken);
    const answers = await ask(wires.map((w) => `read ${hex(w)}`));
    wires.forEach((wire, i) => {
      const word = answers[i].split(' ');
      // one that does not decode aborts the runtime in process: it is the official client that agrees
      const said = word[0] === 'form' ? 'form' : verdict(svm, wire);
      const ours = word[0] === 'rule' && word[1] === 'DUPLICATE_KEY' ? 'rule DUPLICATE_KEY' : word[0];
      const key = `${said}/${word.slice(0, word[0] === 'rule' ? 2 : 1).join(' ')}`;
      counts[key] = (counts[key] ?? 0) + 1;
      if (said !== 'form' && !want[said].includes(ours) && !first) {
        first = `${hex(wire)}: the runtime says ${said}, we ${answers[i].slice(0, 80)}`;
      }
    });
  }
  for (const [key, count] of Object.entries(counts).sort()) console.log(`#   runtime/ours ${key}: ${count}`);
  report('broken transactions judged by the runtime', n, first);
}

console.log(`# seed ${seed}`);
await compare('base58 equals bs58', base58Cases(3000));
await compare('the curve test equals the official client', curveCases(5000));
await compare('derived addresses equal the official client', addressCases(size.pdas));
const { encode, read } = messageCases(size.messages);
await compare('messages are encoded as the official client does', encode);
await compare('messages are read as the official client does', read);
await judgeBroken(size.broken);
console.log(`1..${number}`);
child.stdin.end();
process.exit(failed ? 1 : 0);
