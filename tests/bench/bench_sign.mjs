// Signing: a 1559 transaction, a 7702 authorization with its transaction, a typed order, from fields to the bytes that
// are sent; the library's curve alone, and the key in another process. Beside viem and ethers, which must make the very
// same bytes. CPU microseconds; ends with 1 when bytes differ, never for a time.
//   bench_sign.mjs BUILD [--rounds 9]
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report, median, versions } from './lib/report.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../e2e/package.json'));
const { privateKeyToAccount } = require('viem/accounts');
const { Wallet } = require('ethers');
const build = path.resolve(process.argv[2] ?? 'build/bench');
const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 9;
const EACH = 40;
const SECRET = 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'; // public, of every development node
const GOALS = { transaction: 30, delegation: 60, order: 35 }; // us

// ---- hawse ----

const ours = {}, bytes = {};
for (const line of execFileSync(path.join(build, 'tests/bench/bench-sign'), [SECRET, String(rounds)], { encoding: 'utf8' }).trim().split('\n')) {
  const [name, ...rest] = line.split(' ');
  if (rest[0] === '=') bytes[name] = `0x${rest[1]}`;
  else ours[name] = rest.map((ns) => Number(ns) / 1000);
}

// ---- the same in JavaScript ----

const of = (byte) => `0x${byte.repeat(20)}`;
const calldata = (to, amount) => `0xa9059cbb${'00'.repeat(12)}${to}${amount.toString(16).padStart(64, '0')}`;
const fields = (number, data) => ({ chainId: 100, nonce: number, to: of('5f'), value: 0n, data, maxFeePerGas: 30000000000n, maxPriorityFeePerGas: 1000000000n });
const plain = (number) => fields(number, calldata('7e'.repeat(20), 1n));
const empty = (number) => fields(number, calldata('00'.repeat(20), 0n));
const domain = { name: 'Polymarket CTF Exchange', version: '2', chainId: 137, verifyingContract: of('55') };
const types = { Order: 'uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder'
  .split(',').map((member) => { const [type, name] = member.split(' '); return { type, name }; }) };
const zero = `0x${'00'.repeat(32)}`;
const token = 1n + (2n << 64n) + (3n << 128n) + (4n << 192n);
const message = (number) => ({ salt: BigInt(number), maker: of('44'), signer: of('44'), tokenId: token, makerAmount: 52000000n, takerAmount: 100000000n,
  side: 0, signatureType: 0, timestamp: 1700000000000n, metadata: zero, builder: zero });

const account = privateKeyToAccount(`0x${SECRET}`), wallet = new Wallet(`0x${SECRET}`);
const peers = {
  viem: {
    transaction: (n) => account.signTransaction({ type: 'eip1559', ...plain(n), gas: 65000n }),
    delegation: async (n) => {
      const authorization = await account.signAuthorization({ chainId: 100, address: of('33'), nonce: n + 1 });
      return account.signTransaction({ type: 'eip7702', ...empty(n), gas: 65000n, authorizationList: [authorization] });
    },
    order: (n) => account.signTypedData({ domain, types, primaryType: 'Order', message: message(n) }),
  },
  ethers: {
    transaction: (n) => wallet.signTransaction({ type: 2, ...plain(n), gasLimit: 65000n }),
    delegation: (n) => wallet.signTransaction({ type: 4, ...empty(n), gasLimit: 65000n,
      authorizationList: [wallet.authorizeSync({ chainId: 100, address: of('33'), nonce: n + 1 })] }),
    order: (n) => wallet.signTypedData(domain, types, message(n)),
  },
};

async function time(run) {
  for (let n = 1; n <= EACH; n++) await run(n);
  const list = [];
  for (let r = 0; r < Math.min(rounds, 7); r++) {
    const begin = process.cpuUsage();
    for (let n = 1; n <= EACH; n++) await run(n);
    const { user, system } = process.cpuUsage(begin);
    list.push((user + system) / EACH);
  }
  return list;
}

// ---- the table ----

const report = new Report();
for (const [key, value] of Object.entries(versions(path.join(build, 'core/hawse')))) console.log(`${key.padEnd(10)} ${value}`);
report.figure('libsecp256k1 alone', ours.library, { unit: 'us' });
for (const task of Object.keys(GOALS)) {
  report.figure(`hawse: ${task}`, ours[task], { unit: 'us', goal: GOALS[task] });
  for (const [name, tasks] of Object.entries(peers)) {
    const made = await tasks[task](0);
    if (made !== bytes[task]) report.fault(`${task}: ${name} makes ${made}, hawse ${bytes[task]}`);
    const list = await time(tasks[task]);
    report.figure(`${name}: ${task}`, list, { unit: 'us', note: `${(median(list) / median(ours[task])).toFixed(1)} x hawse` });
  }
}
if (bytes.remote !== bytes.transaction) report.fault(`the key in another process made ${bytes.remote}`);
report.figure('hawse: transaction, key in another process', ours.remote, { unit: 'us', note: 'elapsed' });
process.exit(report.wrong.length > 0 ? 1 : 0);
