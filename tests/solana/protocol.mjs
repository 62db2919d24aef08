// A protocol plugin (sdk/examples/tokens) on a real runtime (Surfpool): it demands the token
// accounts of a mint by a filter, the logs that name it, and the outcome of each transaction, all of
// its own, through the Solana plugin. Beside it: accounts that are closed, leave a filter or change
// their owner, accounts up to 10 MiB, and slots.
//
//   HAWSE_BIN=... HAWSE_PLUGIN_DIR=... protocol.mjs [--seconds 10] [--seed 1]
import { createHash, randomBytes } from 'node:crypto';
import web3 from '@solana/web3.js';
import { sleep } from '../e2e/lib/anvil.mjs';
import { Hawse, programOf } from '../e2e/lib/hawse.mjs';
import { Random } from '../e2e/lib/random.mjs';
import { Judge } from './lib/judge.mjs';
import { ask, startSurfpool } from './lib/node.mjs';
import { Proxy } from './lib/proxy.mjs';
import * as spl from './lib/spl.mjs';

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? Number(process.argv[at + 1]) : preset;
};
const seconds = option('seconds', 10);
const seed = option('seed', 1);
const SLOT_MS = 50;
const LARGE = [196_608, 196_609, 1_000_000, option('largest', 3 << 20)];
const SYSTEM = '11111111111111111111111111111111';
const random = new Random(seed);
const keypair = (name) => web3.Keypair.fromSeed(createHash('sha256').update(`hawse protocol ${seed} ${name}`).digest());

const node = await startSurfpool(SLOT_MS);
const proxy = new Proxy(node, random);
await proxy.start();
const payer = web3.Keypair.fromSecretKey(Buffer.from(node.secret, 'hex'));
const mint = keypair('mint');
const holders = Array.from({ length: 6 }, (_, i) => keypair(`holder ${i}`));
const tokenOf = (holder) => spl.associated(holder.publicKey, mint.publicKey);
const named = new Set(); // transactions that name the mint

async function run(instructions, signers = [], follow = true) {
  const { value: { blockhash } } = await ask(node.rpc, 'getLatestBlockhash', [{ commitment: 'confirmed' }]);
  const transaction = new web3.Transaction({ feePayer: payer.publicKey, recentBlockhash: blockhash }).add(...instructions);
  transaction.sign(payer, ...signers);
  const signature = await ask(node.rpc, 'sendTransaction', [transaction.serialize().toString('base64'), { encoding: 'base64', skipPreflight: true }]);
  if (follow) named.add(signature);
  return signature;
}

/** The largest account there can be is made by a transaction, empty. */
async function createLarge(account, space) {
  const lamports = await ask(node.rpc, 'getMinimumBalanceForRentExemption', [space]);
  await run([web3.SystemProgram.createAccount({
    fromPubkey: payer.publicKey, newAccountPubkey: account.publicKey, lamports, space, programId: new web3.PublicKey(SYSTEM),
  })], [account], false);
}

// ---- before ----

await ask(node.rpc, 'requestAirdrop', [payer.publicKey.toBase58(), 500_000_000_000]);
await sleep(5 * SLOT_MS);
await run(spl.createMint(payer.publicKey, mint.publicKey, 6), [mint], false);
for (const holder of holders) {
  await run([
    spl.createAssociated(payer.publicKey, holder.publicKey, mint.publicKey),
    spl.mintTo(mint.publicKey, tokenOf(holder), payer.publicKey, 1_000_000n),
  ], [], false);
}
const largeKeys = LARGE.map((_, i) => keypair(`large ${i}`).publicKey.toBase58());
const largeData = LARGE.map((length) => (length > 2_000_000 ? Buffer.alloc(length) : randomBytes(length)));
for (const [i, key] of largeKeys.entries()) {
  if (LARGE[i] > 2_000_000) await createLarge(keypair(`large ${i}`), LARGE[i]);
  else await node.setAccount(key, { owner: SYSTEM, data: largeData[i] });
}

const judge = new Judge();
const balances = new Map(); // wallet -> amount, as told last
const outcomes = new Map(); // signature -> times told
const left = [];
const parts = new Map(); // large account -> states, each a list of events
const { command, pluginDir } = programOf('hawse');
const hawse = new Hawse(command);
hawse.on('garbage', (line) => judge.fault(`garbage on the tape: ${line.slice(0, 200)}`));
hawse.on('event', (event) => {
  if (event.src === 'tokens') {
    if (event.t === 'wallet.balance') balances.set(event.wallet, event.amount);
    return;
  }
  judge.take(event);
  if (event.t === 'solana.signature') outcomes.set(event.signature, (outcomes.get(event.signature) ?? 0) + 1);
  if (event.left) left.push(event);
  if (event.t === 'solana.account_part' && event.part_offset === 0) parts.set(event.pubkey, [...(parts.get(event.pubkey) ?? []), []]);
  if (event.t === 'solana.account_part') parts.get(event.pubkey).at(-1).push(event);
});
hawse.start({
  hawse: 1,
  plugins: { path: [pluginDir] },
  state_dir: hawse.folder,
  instances: {
    chain: {
      plugin: 'org.hawse.solana',
      allow: 'experimental',
      endpoints: { ws: { url: proxy.wsUrl }, http: { url: proxy.rpcUrl, request_timeout_ms: 5000 } },
      grants: ['net', 'rpc'],
      settings: { accounts: largeKeys, check_ms: 1500, requests_per_second: 500 },
    },
    tokens: { plugin: 'org.example.tokens', links: { chain: 'chain' }, settings: { mint: mint.publicKey.toBase58() } },
    tape: { plugin: 'org.hawse.jsonl', links: { chain: 'chain', tokens: 'tokens' }, settings: { sources: ['chain', 'tokens'] } },
  },
});
await sleep(2000);
hawse.mustRun();

// ---- while it runs ----

const until = Date.now() + seconds * 1000;
while (Date.now() < until) {
  const [from, to] = random.shuffle(holders);
  const amount = BigInt(random.chance(1 / 8) ? 100_000_000_000 : random.between(1, 3000));
  await run([spl.transferChecked(from.publicKey, to.publicKey, mint.publicKey, amount, 6)], [from]);
  await sleep(random.between(5, 120));
}
// each large account changes once more
for (const key of largeKeys) await run([web3.SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: new web3.PublicKey(key), lamports: 5 })], [], false);

// three accounts leave the filter, each in its own way
const [closed, reowned, remint] = holders;
await run([spl.transferChecked(closed.publicKey, holders[5].publicKey, mint.publicKey, BigInt(await balance(closed)), 6)], [closed]);
await run([spl.closeToken(tokenOf(closed), payer.publicKey, closed.publicKey)], [closed], false);
const { value: whole } = await ask(node.rpc, 'getAccountInfo', [String(tokenOf(remint)), { encoding: 'base64', commitment: 'confirmed' }]);
const bytes = Buffer.from(whole.data[0], 'base64');
await node.setAccount(String(tokenOf(reowned)), { owner: SYSTEM, data: bytes });
bytes.fill(7, 0, 32);
await node.setAccount(String(tokenOf(remint)), { owner: String(spl.TOKEN), data: bytes });

async function balance(holder) {
  const { value } = await ask(node.rpc, 'getAccountInfo', [String(tokenOf(holder)), { encoding: 'base64', commitment: 'confirmed' }]);
  return value ? Buffer.from(value.data[0], 'base64').readBigUInt64LE(64) : 0n;
}

const isDone = () => left.length >= 3 && outcomes.size >= named.size && judge.open.size === 0 && LARGE.every((length, i) =>
  (length <= 196_608 ? judge.accounts.get(largeKeys[i]) : parts.get(largeKeys[i]))?.length >= 2);
// a loaded machine may be silent for so long that the stream starts again, with 10 MiB of accounts, several times
for (const limit = Date.now() + 60_000; Date.now() < limit && !isDone();) await sleep(100);
await sleep(500); // nothing more comes
hawse.mustRun();
const gone = new Set([closed, reowned, remint]);
const wrong = [];
for (const holder of holders) {
  const want = gone.has(holder) ? '0' : String(await balance(holder));
  const told = balances.get(`0x${Buffer.from(holder.publicKey.toBytes()).toString('hex')}`);
  if (told !== want) wrong.push(`${holder.publicKey}: told ${told}, ${want} expected`);
}
const stopped = await hawse.stop();
proxy.stop();
await node.stop();

const once = [...named].filter((signature) => outcomes.get(signature) === 1).length;
const logged = [...named].filter((signature) => judge.logs.get(signature)?.length === 1).length;
const foreign = [...judge.logs.keys()].filter((signature) => !named.has(signature)).length;
const sizes = LARGE.map((length, i) => {
  const states = parts.get(largeKeys[i]) ?? [];
  const told = states.map((state) => Buffer.concat(state.map((part) => Buffer.from(part.data.slice(2), 'hex'))));
  return length <= 196_608 ? judge.accounts.get(largeKeys[i]).every((a) => a.data.slice(2) === largeData[i].toString('hex'))
    : told.length === 2 && told.every((data) => data.equals(largeData[i]));
});
const leftKeys = left.map((event) => event.pubkey).sort();
const ways = [closed, reowned, remint].map((holder) => String(tokenOf(holder))).sort();
const ownerOf = (holder) => left.find((event) => event.pubkey === String(tokenOf(holder)))?.owner;

console.log(`# seed ${seed}, ${seconds} s: ${named.size} transactions name the mint`);
console.log(`# tape: ${JSON.stringify(judge.counts)}`);
console.log(`# gaps: ${JSON.stringify(judge.gaps)}; outcomes ${outcomes.size}`);
console.log(`# large: ${LARGE.map((length, i) => `${length}: ${(parts.get(largeKeys[i]) ?? judge.accounts.get(largeKeys[i]) ?? []).length} states`).join(', ')}; left: ${leftKeys}`);
for (const fault of [...judge.faults, ...wrong]) console.log(`# ${fault}`);
if (process.env.VERBOSE) console.log(hawse.errors.join('\n'));
const checks = [
  [`a second plugin's logs: ${logged} of ${named.size} once, ${foreign} of others`, logged === named.size && foreign === 0 && named.size > 20],
  [`outcomes demanded one by one: ${once} of ${named.size} once at "finalized"`, once === named.size && outcomes.size === named.size],
  [`balances of ${holders.length} holders as the node has them, by a filter of the plugin's own`, wrong.length === 0],
  [`${left.length} accounts left the filter: closed, another owner, another mint`, String(leftKeys) === String(ways) && ownerOf(reowned) === SYSTEM && ownerOf(remint) === String(spl.TOKEN) && ownerOf(closed) === SYSTEM],
  [`accounts of ${LARGE.join(', ')} bytes told twice, every byte`, sizes.every(Boolean)],
  [`${judge.counts['solana.slot']} slots follow each other`, judge.counts['solana.slot'] > seconds * 10],
  ['sequences, gaps and late events are in order', judge.faults.length === 0],
  ['the program stops by itself', stopped.code === 0],
];
checks.forEach(([what, good], i) => console.log(`${good ? 'ok' : 'not ok'} ${i + 1} - ${what}`));
console.log(`1..${checks.length}`);
process.exit(checks.every(([, good]) => good) ? 0 : 1);
