// The SDK's encodings beside viem and ethers: random RLP, ABI values, typed data and transactions get
// the same bytes from all three, both ways, and broken ones are refused. Deterministic: the seed is
// printed.
//
//   clients.mjs ANSWERS [--cases 10000] [--seed 1] [--only rlp|abi|typed|tx]
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import * as viem from 'viem';
import * as ethers from 'ethers';

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : preset;
};
const cases = Number(option('cases', 10000));
const seed = Number(option('seed', 1));
const only = option('only', '');

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
const hex = (n) => `0x${bytes(n).toString('hex')}`;
const some = (most) => (chance(10) ? below(most * 20) : below(most + 1)); // mostly small

/** An integer of `bits` bits: of any length, and often at an edge. */
function uint(bits) {
  const top = (1n << BigInt(bits)) - 1n;
  if (chance(10)) return pick([0n, 1n, top, top >> 1n, 127n & top, 128n & top, 255n & top]);
  return BigInt(hex(bits / 8)) >> BigInt(below(bits));
}
const int = (bits) => uint(bits) - (1n << BigInt(bits - 1));
const letters = ['a', 'Z', '9', ' ', '"', '\\', '\n', '\u0001', 'é', '✓', '🚀', '\u2028', '/'];
const text = () => Array.from({ length: some(12) }, () => pick(letters)).join('');
const address = () => viem.getAddress(hex(20));

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
function report(what, rows, differences) {
  number++;
  if (differences.length > 0) {
    failed++;
    console.log(`# ${differences.length} differences, the first: ${differences[0].slice(0, 1500)}`);
  }
  console.log(`${differences.length ? 'not ' : ''}ok ${number} - ${what}`.replace('#', String(rows)));
}

/** Makes `cases` of { question, judge(answer): words or nothing } in batches, and reports. */
async function compare(what, make, count = cases) {
  const differences = [];
  for (let at = 0; at < count; at += 200) {
    const batch = Array.from({ length: Math.min(200, count - at) }, make);
    const answers = await ask(batch.map((c) => c.question));
    batch.forEach((c, i) => {
      const found = c.judge(answers[i]);
      if (found) differences.push(`${c.question} : ${found} : ${answers[i]}`);
    });
  }
  report(what, count, differences);
}
const attempt = (f) => {
  try {
    return { value: f() };
  } catch (error) {
    return { error };
  }
};
const equal = (want) => (got) => (got === want ? '' : `expected ${want}`);

/** One byte changed, bytes cut off or added, or two words changed for one another. */
function broken(data) {
  const out = Buffer.from(data.slice(2), 'hex');
  const way = below(4);
  if (out.length === 0 || way === 0) return `0x${out.toString('hex')}${bytes(1 + below(3)).toString('hex')}`;
  if (way === 1) return `0x${out.subarray(0, below(out.length)).toString('hex')}`;
  if (way === 2 && out.length >= 64) {
    const a = 32 * below(out.length / 32);
    const b = 32 * below(out.length / 32);
    const word = Buffer.from(out.subarray(a, a + 32));
    out.copy(out, a, b, b + 32);
    word.copy(out, b);
    return `0x${out.toString('hex')}`;
  }
  const at = below(out.length);
  out[at] = chance(50) ? out[at] ^ (1 << below(8)) : below(256);
  return `0x${out.toString('hex')}`;
}

// ---- RLP ----

function item(depth) {
  if (depth === 0 || chance(50)) return chance(10) ? hex(50 + below(20)) : hex(some(40));
  return Array.from({ length: some(4) % 12 }, () => item(depth - 1));
}

async function rlp() {
  await compare('# random RLP items are the bytes of viem and ethers, and read back', () => {
    const value = item(4);
    const encoded = viem.toRlp(value);
    const other = ethers.encodeRlp(value);
    return {
      question: `rlp\t${encoded}`,
      judge: (got) => (other !== encoded ? 'viem and ethers differ' : equal(JSON.stringify(value))(got)),
    };
  });
  await compare('# broken RLP items are accepted exactly where they are canonical', () => {
    const data = broken(viem.toRlp(item(3)));
    const value = attempt(() => ethers.decodeRlp(data)).value;
    const canonical = value !== undefined && ethers.encodeRlp(value) === data;
    return {
      question: `rlp\t${data}`,
      judge: (got) => (canonical ? equal(JSON.stringify(value))(got) : got.startsWith('error') ? '' : 'accepted'),
    };
  });
}

// ---- ABI ----

function elementary() {
  const bits = 8 * (1 + below(32));
  return pick(['address', 'bool', 'bytes', 'string', `uint${bits}`, `int${bits}`, `bytes${1 + below(32)}`, 'uint256']);
}
/** A type as { name, members?, element?, count? }. */
function type(depth) {
  if (depth > 0 && chance(25)) {
    const members = Array.from({ length: 1 + below(3) }, () => type(depth - 1));
    return { name: `(${members.map((m) => m.name).join(',')})`, members };
  }
  if (depth > 0 && chance(30)) {
    const element = type(depth - 1);
    const count = chance(40) ? 1 + below(3) : undefined;
    return { name: `${element.name}[${count ?? ''}]`, element, count };
  }
  return { name: elementary() };
}
/** A value as the clients take it. */
function value(t) {
  if (t.members) return t.members.map(value);
  if (t.element) return Array.from({ length: t.count ?? below(4) }, () => value(t.element));
  if (t.name === 'address') return address();
  if (t.name === 'bool') return chance(50);
  if (t.name === 'string') return text();
  if (t.name === 'bytes') return hex(some(40));
  if (t.name.startsWith('bytes')) return hex(Number(t.name.slice(5)));
  if (t.name.startsWith('uint')) return uint(Number(t.name.slice(4)));
  return int(Number(t.name.slice(3)));
}
/** As the SDK writes it: integers are decimal texts. */
const plain = (v) => (Array.isArray(v) ? v.map(plain) : typeof v === 'bigint' || typeof v === 'number' ? String(v) : v);
/** The same as text: the SDK knows no short escapes but those of quote and backslash. */
const shown = (v) => JSON.stringify(plain(v)).replace(/\\(.)/g, (whole, c) => {
  const code = { b: '0008', t: '0009', n: '000a', f: '000c', r: '000d' }[c];
  return code ? `\\u${code}` : whole;
});
/** As JSON that the SDK reads: integers in the ways that it knows. */
function asJson(v) {
  if (Array.isArray(v)) return `[${v.map(asJson).join(',')}]`;
  if (typeof v !== 'bigint') return JSON.stringify(v);
  const way = below(3);
  if (way === 0) return `${v}`;
  return way === 1 && v >= 0n ? `"0x${v.toString(16)}"` : `"${v}"`;
}
const viemTypes = (t) => ({
  type: t.element ? `${viemTypes(t.element).type}[${t.count ?? ''}]` : t.members ? 'tuple' : t.name,
  components: components(t),
});
const components = (t) => (t.element ? components(t.element) : t.members?.map(viemTypes));
/** viem takes numbers, not bigints, for the smaller integers; it checks them all the same. */
const encodeViem = (types, values) => viem.encodeAbiParameters(types.map(viemTypes), values);
const coder = ethers.AbiCoder.defaultAbiCoder();
const list = () => Array.from({ length: 1 + below(4) }, () => type(3));
const unwrap = (v) => (v instanceof ethers.Result ? Array.from(v, unwrap) : v);

async function abi() {
  await compare('# random lists of values have the encoding of viem and ethers', () => {
    const types = list();
    const values = types.map(value);
    const names = types.map((t) => t.name);
    const encoded = coder.encode(names, values);
    const other = encodeViem(types, values);
    return {
      question: `encode\t${names.join(',')}\t${asJson(values)}`,
      judge: (got) => (encoded !== other ? 'viem and ethers differ' : equal(encoded)(got)),
    };
  });
  await compare('# encodings of ethers are read back, and are canonical', () => {
    const types = list();
    const values = types.map(value);
    const names = types.map((t) => t.name);
    return {
      question: `decode\t${names.join(',')}\t${coder.encode(names, values)}`,
      judge: equal(`${shown(values)}\t1`),
    };
  });
  await compare('# broken encodings are accepted where ethers reads the same and the words are clean', () => {
    const types = list();
    const names = types.map((t) => t.name);
    const data = broken(coder.encode(names, types.map(value)));
    // the last padding may be missing: ethers asks for it
    const padded = data + '00'.repeat((32 - ((data.length - 2) / 2) % 32) % 32);
    const read = attempt(() => unwrap(coder.decode(names, padded)));
    const again = read.value && attempt(() => coder.encode(names, read.value));
    const canonical = again?.value === data;
    return {
      question: `decode\t${names.join(',')}\t${data}`,
      judge: (got) => {
        if (got.startsWith('error')) return canonical ? 'refused' : '';
        const want = read.error ? 'a refusal' : shown(read.value);
        return equal(`${want}\t${canonical ? 1 : 0}`)(got);
      },
    };
  });
  await compare('# calls of random functions have the bytes of viem and ethers', () => {
    const types = list();
    const values = types.map(value);
    const signature = `f${below(1000)}(${types.map((t) => t.name).join(',')})`;
    const encoded = new ethers.Interface([`function ${signature}`]).encodeFunctionData(signature, values);
    const selector = viem.toFunctionSelector(`function ${signature}`);
    return {
      question: `call\t${signature}\t${asJson(values)}`,
      judge: (got) => (selector !== encoded.slice(0, 10) ? 'viem and ethers differ' : equal(encoded)(got)),
    };
  }, Math.ceil(cases / 4));
}

// ---- typed data ----

/** Structs that use only those behind them, and their members. */
function structs() {
  const names = ['Order', 'Person', 'Asset', 'Call', 'Zeta', 'Alpha'].slice(0, 1 + below(6));
  const types = {};
  names.forEach((name, i) => {
    types[name] = Array.from({ length: 1 + below(4) }, (_, k) => {
      const inner = names.slice(i + 1);
      let t = inner.length > 0 && chance(40) ? pick(inner) : elementary();
      while (chance(25)) t += pick(['[]', '[1]', '[2]']);
      return { name: `m${k}`, type: t };
    });
  });
  return { types, primaryType: names[0] };
}
function member(types, t) {
  const array = t.match(/^(.*)\[(\d*)\]$/);
  if (array) {
    const count = array[2] ? Number(array[2]) : below(3);
    return Array.from({ length: count }, () => member(types, array[1]));
  }
  if (types[t]) return Object.fromEntries(types[t].map((m) => [m.name, member(types, m.type)]));
  return value({ name: t });
}
function domain() {
  const out = {};
  if (chance(80)) out.name = text();
  if (chance(60)) out.version = text() || '1'; // viem leaves out one that is empty
  if (chance(80)) out.chainId = chance(80) ? below(1 << 30) : uint(64);
  if (chance(60)) out.verifyingContract = address();
  if (chance(20)) out.salt = hex(32);
  return out;
}
const json = (v) => JSON.stringify(v, (_, x) => (typeof x === 'bigint' ? String(x) : x));
/** Only what the primary type uses: ethers refuses the rest. */
function used(types, primary, out = {}) {
  if (out[primary]) return out;
  out[primary] = types[primary];
  for (const m of types[primary]) {
    const base = m.type.replace(/\[.*$/, '');
    if (types[base]) used(types, base, out);
  }
  return out;
}
function document() {
  const made = structs();
  const types = used(made.types, made.primaryType);
  return { types, primaryType: made.primaryType, domain: domain(), message: member(types, made.primaryType) };
}

/** Breaks one value of a document; says what it did, or nothing when it found none. */
function spoil(doc) {
  const t = doc.types[doc.primaryType];
  const m = pick(t);
  const way = below(3);
  if (way === 0) delete doc.message[m.name];
  else if (way === 1) doc.types[doc.primaryType] = [...t, { name: 'more', type: 'Unknown' }];
  else if (m.type.startsWith('uint') && !m.type.includes('[')) doc.message[m.name] = String(1n << BigInt(m.type.slice(4)));
  else if (m.type === 'address') doc.message[m.name] = '0x12';
  else if (m.type.match(/^bytes\d+$/)) doc.message[m.name] = `${doc.message[m.name]}00`;
  else return false;
  return true;
}

async function typed() {
  await compare('# random documents of typed data have the hashes of viem and ethers', () => {
    const doc = document();
    const encoder = ethers.TypedDataEncoder;
    const separator = encoder.hashDomain(doc.domain);
    const struct = encoder.from(doc.types).hash(doc.message);
    const digest = encoder.hash(doc.domain, doc.types, doc.message);
    const other = viem.hashTypedData(doc);
    return {
      question: `typed\t${json(doc)}`,
      judge: (got) => (digest !== other ? 'viem and ethers differ' : equal(`${separator} ${struct} ${digest}`)(got)),
    };
  });
  await compare('# documents with a member missing, out of range or of no type are refused, as by ethers', () => {
    let doc;
    do doc = document(); while (!spoil(doc));
    const other = attempt(() => ethers.TypedDataEncoder.hash(doc.domain, doc.types, doc.message));
    // ethers takes a bool that is missing for false, and so a digest for more than was shown
    const known = doc.types[doc.primaryType].some((m) => m.type === 'bool' && !(m.name in doc.message));
    return {
      question: `typed\t${json(doc)}`,
      judge: (got) => (got.startsWith('error') && (other.error || known) ? '' : `ethers: ${other.error ?? 'accepts'}`),
    };
  }, Math.ceil(cases / 4));
}

// ---- transactions ----

const HALF = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const word = (n) => viem.toHex(n, { size: 32 });
function signature() {
  const r = word((BigInt(hex(32)) >> BigInt(chance(10) ? 8 * below(31) : 1)) + 1n);
  const s = word((BigInt(hex(32)) >> BigInt(chance(10) ? 8 * below(31) : 2)) % HALF + 1n);
  return { r, s, yParity: below(2) };
}
function transaction() {
  const kind = pick(['legacy', 'legacy155', 'eip2930', 'eip1559', 'eip4844', 'eip7702']);
  const create = !['eip4844', 'eip7702'].includes(kind) && chance(15);
  const fee = uint(chance(90) ? 64 : 256);
  const tx = {
    type: kind.startsWith('legacy') ? 'legacy' : kind,
    chainId: kind === 'legacy' ? undefined : 1 + Number(uint(chance(90) ? 24 : 48)),
    nonce: Number(uint(48)),
    gas: uint(56),
    to: create ? undefined : address(),
    value: uint(chance(90) ? 96 : 256),
    data: chance(20) ? undefined : hex(chance(5) ? below(3000) : some(80)),
  };
  if (['legacy', 'eip2930'].includes(tx.type)) tx.gasPrice = fee;
  else Object.assign(tx, { maxFeePerGas: fee, maxPriorityFeePerGas: fee >> BigInt(below(20)) });
  if (tx.type !== 'legacy') {
    tx.accessList = Array.from({ length: some(3) % 6 }, () => ({
      address: address(), storageKeys: Array.from({ length: some(3) % 6 }, () => hex(32)),
    }));
  }
  if (kind === 'eip4844') {
    tx.maxFeePerBlobGas = uint(64);
    tx.blobVersionedHashes = Array.from({ length: 1 + below(6) }, () => `0x01${hex(31).slice(2)}`);
  }
  if (kind === 'eip7702') {
    tx.authorizationList = Array.from({ length: 1 + below(3) }, () => ({
      address: address(), chainId: below(1 << 20), nonce: Number(uint(40)), ...signature(),
    }));
  }
  return tx;
}
const small = (n) => (n === undefined ? 0 : Number(n));
/** The same with ethers. */
function ethersTx(tx, sig) {
  const type = { legacy: 0, eip2930: 1, eip1559: 2, eip4844: 3, eip7702: 4 }[tx.type];
  const fields = {
    type, chainId: tx.chainId ?? 0, nonce: tx.nonce, gasLimit: tx.gas, to: tx.to ?? null, value: tx.value,
    data: tx.data ?? '0x', signature: ethers.Signature.from({ r: sig.r, s: sig.s, yParity: sig.yParity }),
  };
  if (type < 2) fields.gasPrice = tx.gasPrice;
  else Object.assign(fields, { maxFeePerGas: tx.maxFeePerGas, maxPriorityFeePerGas: tx.maxPriorityFeePerGas });
  if (type > 0) fields.accessList = tx.accessList;
  if (type === 3) Object.assign(fields, { maxFeePerBlobGas: tx.maxFeePerBlobGas, blobVersionedHashes: tx.blobVersionedHashes });
  if (type === 4) {
    fields.authorizationList = tx.authorizationList.map((a) => ({
      address: a.address, chainId: a.chainId, nonce: a.nonce,
      signature: ethers.Signature.from({ r: a.r, s: a.s, yParity: a.yParity }),
    }));
  }
  return ethers.Transaction.from(fields);
}
/** What the SDK is to say of it. */
function fields(tx, other, raw) {
  return {
    type: other.type, chainId: String(small(tx.chainId)), nonce: String(tx.nonce), gas: String(tx.gas),
    tip: String(tx.maxPriorityFeePerGas ?? 0n), fee: String(tx.gasPrice ?? tx.maxFeePerGas),
    blobFee: String(tx.maxFeePerBlobGas ?? 0n), value: String(tx.value),
    to: (tx.to ?? '0x').toLowerCase(), data: tx.data ?? '0x',
    accessList: (tx.accessList ?? []).map((a) => [a.address.toLowerCase(), a.storageKeys]),
    authorizations: (tx.authorizationList ?? []).map((a) => ({
      chainId: String(a.chainId), nonce: String(a.nonce), address: a.address.toLowerCase(),
      hash: ethers.hashAuthorization(a), yParity: a.yParity,
    })),
    blobHashes: tx.blobVersionedHashes ?? [],
    unsigned: other.unsignedSerialized, signingHash: other.unsignedHash, raw, hash: other.hash,
  };
}

async function tx() {
  await compare('# random transactions of all types have the bytes, fields and hashes of viem and ethers', () => {
    const made = transaction();
    const sig = signature();
    const raw = viem.serializeTransaction(made, { ...sig, v: sig.yParity ? 28n : 27n });
    const other = ethersTx(made, sig);
    return {
      question: `tx\t${raw}`,
      judge: (got) => (other.serialized !== raw ? `viem and ethers differ: ${other.serialized}`
        : equal(JSON.stringify(fields(made, other, raw)))(got)),
    };
  });
  await compare('# broken transactions are refused, or read as ethers reads them', () => {
    const made = transaction();
    const sig = signature();
    const data = broken(viem.serializeTransaction(made, { ...sig, v: sig.yParity ? 28n : 27n }));
    const other = attempt(() => ethers.Transaction.from(data));
    const same = other.value && attempt(() => other.value.serialized).value === data;
    return {
      question: `tx\t${data}`,
      judge: (got) => {
        if (got.startsWith('error')) return same && !stricter(other.value) ? 'refused' : '';
        const want = other.value ? attempt(() => `${data} ${other.value.hash} ${other.value.unsignedHash}`) : other;
        const read = JSON.parse(got);
        if (want.error) return looser(want.error) || skipped(read) ? '' : `accepted: ${want.error}`;
        return equal(want.value)(`${read.raw} ${read.hash} ${read.signingHash}`);
      },
    };
  });
}
// What ethers reads and the SDK refuses, by the rules of the EIPs.
const stricter = (t) => BigInt(t.gasLimit) >= 1n << 64n || t.chainId >= 1n << 64n ||
  BigInt(t.signature._s ?? t.signature.s) > HALF || BigInt(t.signature.r) >= 2n * HALF + 1n;
// What ethers refuses though it is well-formed: numbers above 2^53, and rules that hawse_tx_check has.
const looser = (error) => /overflow|priorityFee|versioned|invalid gas|blob/i.test(String(error.message));

// An authorization whose parity is one byte but neither 0 nor 1 is skipped by the chain; its transaction is good (EIP-7702).
const skipped = (read) => read.authorizations.some((a) => a.yParity > 1 && a.yParity < 256);

const kinds = { rlp, abi, typed, tx };
console.log(`# seed ${seed}, ${cases} cases`);
for (const [name, run] of Object.entries(kinds)) {
  if (!only || only === name) await run();
}
console.log(`1..${number}`);
child.stdin.end();
process.exit(failed ? 1 : 0);
