// Simulations by hawse against a real node and real contracts: what each engine says beside what
// happens when the same transactions are sent. Owns one node; loopback only. Prints TAP.
//   node simulation.mjs PATH-OF-SIM-ANSWERS
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { encodeDeployData, encodeFunctionData, toHex, zeroAddress } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { guardChild, startAnvil } from './lib/anvil.mjs';

const require = createRequire(import.meta.url);
const here = path.dirname(new URL(import.meta.url).pathname);
const GWEI = 1_000_000_000n;
const MAX_FEE = 50n * GWEI;
const V1 = 'eth_simulateV1';
const TRACE = 'debug_traceCall';
const CALL = 'eth_call';
const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'; // of every anvil
const account = privateKeyToAccount(KEY);

// ---- contracts ----

function compile() {
  const solc = require('solc');
  const content = readFileSync(path.join(here, '../sim/Contracts.sol'), 'utf8');
  const output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: 'Solidity',
        sources: { 'Contracts.sol': { content } },
        settings: {
          evmVersion: 'shanghai',
          outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
        },
      }),
    ),
  );
  const bad = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  if (bad.length > 0) {
    throw new Error(bad[0].formattedMessage);
  }
  return output.contracts['Contracts.sol'];
}

const contracts = compile();
const node = await startAnvil({ chainId: 100, gasLimit: 30_000_000 });
const { rpc } = node;
const [me, other] = (await rpc.call('eth_accounts')).map((a) => a.toLowerCase());

async function mined(hash) {
  await rpc.call('evm_mine');
  return rpc.call('eth_getTransactionReceipt', hash);
}

async function send(call, gas = 3_000_000) {
  const hash = await rpc.call('eth_sendTransaction', { from: me, gas: toHex(gas), ...call });
  return mined(hash);
}

async function deploy(name, ...args) {
  const { abi, evm } = contracts[name];
  const data = encodeDeployData({ abi, bytecode: `0x${evm.bytecode.object}`, args });
  const { contractAddress } = await send({ data });
  return contractAddress;
}

const call = (name, to, functionName, args = [], value = 0n) => ({
  to,
  value: toHex(value),
  data: encodeFunctionData({ abi: contracts[name].abi, functionName, args }),
});

// ---- hawse ----

const program = spawn(process.argv[2], [], { stdio: ['pipe', 'pipe', 'inherit'] });
guardChild(program);
const lines = readline.createInterface({ input: program.stdout })[Symbol.asyncIterator]();

async function simulate(calls, options = {}) {
  const block = await rpc.call('eth_getBlockByNumber', 'latest', false);
  program.stdin.write(
    `${JSON.stringify({
      url: `http://127.0.0.1:${rpc.port}`,
      from: me,
      order: [V1],
      inspect: true,
      calls: calls.map((one) => ({ gas: 0, ...one })),
      max_fee: toHex(MAX_FEE),
      block: { number: block.number, hash: block.hash, timestamp: block.timestamp },
      ...options,
    })}\n`,
  );
  const { value, done } = await lines.next();
  if (done) {
    throw new Error('sim-answers ended');
  }
  return JSON.parse(value);
}

// ---- checks ----

let number = 0;
let failed = 0;

async function check(name, fn) {
  let why = null;
  try {
    await fn();
  } catch (error) {
    why = error.message;
    failed++;
  }
  console.log(`${why === null ? 'ok' : 'not ok'} ${++number} - ${name}`);
  if (why !== null) {
    console.log(why.replace(/^/gm, '# '));
  }
}

function expect(result, wanted) {
  for (const [key, value] of Object.entries(wanted)) {
    const got = key === 'findings' ? result.findings.map(({ kind }) => kind).join() : result[key];
    if (got !== value) {
      throw new Error(`${key}: found ${got}, expected ${value}\n${JSON.stringify(result)}`);
    }
  }
}

/** {asset: net} of what was told; the chain's own coin is zeroAddress. */
const told = ({ flows }) =>
  Object.fromEntries(
    flows.map(({ asset, in: inside, out }) => [asset.toLowerCase(), BigInt(inside) - BigInt(out)]),
  );

const balance = async (asset) =>
  asset === zeroAddress
    ? BigInt(await rpc.call('eth_getBalance', me, 'latest'))
    : BigInt(
        await rpc.call(
          'eth_call',
          call('Token', asset, 'balanceOf', [me]),
          'latest',
        ),
      );

/** Sends what was simulated, as it was simulated; the same must move, for the same gas. */
async function holds(result, calls, assets) {
  const before = await Promise.all([zeroAddress, ...assets].map(balance));
  let fees = 0n;
  const gas = [];
  for (const [i, one] of calls.entries()) {
    const receipt = await send(one, result.calls[i].gas_limit);
    if (receipt.status !== '0x1') {
      throw new Error(`call ${i} failed on the chain with gas ${result.calls[i].gas_limit}`);
    }
    fees += BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice);
    gas.push(Number(receipt.gasUsed));
  }
  const after = await Promise.all([zeroAddress, ...assets].map(balance));
  const flows = told(result);
  [zeroAddress, ...assets].forEach((asset, i) => {
    const moved = after[i] - before[i] + (asset === zeroAddress ? fees : 0n);
    if ((flows[asset.toLowerCase()] ?? 0n) !== moved) {
      throw new Error(`${asset}: told ${flows[asset.toLowerCase()] ?? 0n}, it was ${moved}`);
    }
  });
  gas.forEach((used, i) => {
    if (Math.abs(used - result.calls[i].gas_used) > used / 20) {
      throw new Error(`gas of call ${i}: told ${result.calls[i].gas_used}, it was ${used}`);
    }
  });
}

const usdc = await deploy('Token', 0n);
const dai = await deploy('Token', 0n);
const taxed = await deploy('Token', 10n);
const wrapped = await deploy('Wrapped');
const market = await deploy('Market');
const bank = await deploy('Bank');
const thief = await deploy('Thief', bank);
const lender = await deploy('Lender');
const borrower = await deploy('Borrower');
const mortal = await deploy('Mortal');
const batch = await deploy('Batch');
await send(call('Token', dai, 'transfer', [market, 10n ** 20n]));
await send({ to: bank, value: toHex(10n ** 18n) });
await send({ to: mortal, value: toHex(5n) });

for (const engine of [V1, TRACE]) {
  const order = { order: [engine], assets: [] };
  const tokens = engine === V1 ? [usdc, dai, taxed] : [];

  await check(`${engine}: several transactions, one on top of the other, move what they then move`, async () => {
    const calls = [
      call('Token', usdc, 'approve', [market, 1000n]),
      call('Market', market, 'swap', [usdc, dai, 1000n, 777n]),
      { to: other, value: toHex(5n), data: '0x' },
    ];
    const result = await simulate(calls, { ...order, assets: tokens });
    expect(result, { success: true, engine, inspected: true, findings: '' });
    if (result.approvals.length !== 1 || result.approvals[0].amount !== '1000') {
      throw new Error(`approvals: ${JSON.stringify(result.approvals)}`);
    }
    await holds(result, calls, [usdc, dai]);
  });

  await check(`${engine}: wrapping and unwrapping move the coin one way and the token the other`, async () => {
    const calls = [
      call('Wrapped', wrapped, 'deposit', [], 1000n),
      call('Wrapped', wrapped, 'withdraw', [400n]),
    ];
    const result = await simulate(calls, { ...order, assets: engine === V1 ? [wrapped] : [] });
    expect(result, { success: true, findings: '' });
    await holds(result, calls, [wrapped]);
  });

  for (const [name, args, words] of [
    ['words', [], 'Error: not today'],
    ['panics', [0n], 'Panic 0x12: division or modulo by zero'],
    ['overflows', [1n], 'Panic 0x11: arithmetic overflow or underflow'],
    ['custom', [], 'unknown error 0x6b5b95c1, 68 bytes'],
  ]) {
    await check(`${engine}: ${name} fails with its words`, async () => {
      const result = await simulate([call('Market', market, 'caught'), call('Market', market, name, args)], order);
      expect(result, { success: false, status: 0 });
      if (result.reason !== words && !(name === 'custom' && /^unknown error 0x[0-9a-f]{8}, 68 bytes$/.test(result.reason))) {
        throw new Error(`reason: ${result.reason}`);
      }
    });
  }

  await check(`${engine}: a revert without words and gas that runs out are failures`, async () => {
    expect(await simulate([call('Market', market, 'silent')], order), { success: false, status: 0 });
    expect(await simulate([{ ...call('Market', market, 'endless'), gas: 200000 }], order), {
      success: false,
      status: 0,
    });
  });

  await check(`${engine}: re-entry is found, a known callback is none`, async () => {
    const robbed = call('Thief', thief, 'rob', [], 1000n);
    expect(await simulate([robbed], order), {
      success: true,
      findings: 'reentrancy,reentrancy', // the bank by the thief, and the thief by the bank
    });
    const lent = call('Borrower', borrower, 'run', [lender]);
    expect(await simulate([lent], order), { success: true, findings: '' });
  });

  await check(`${engine}: self-destruction, ownership and caught overflow are found`, async () => {
    expect(await simulate([call('Mortal', mortal, 'end', [me])], order), {
      success: true,
      findings: 'selfdestruct',
    });
    expect(await simulate([call('Market', market, 'give', [other])], order), {
      success: true,
      findings: 'ownership',
    });
    expect(await simulate([call('Market', market, 'caught')], order), { success: true, findings: 'overflow' });
  });

  await check(`${engine}: what leaves beyond the plan is told`, async () => {
    await send(call('Token', usdc, 'approve', [market, 10n ** 18n]));
    const calls = [call('Market', market, 'greedy', [usdc, 100n])];
    const result = await simulate(calls, { ...order, assets: tokens });
    if (told(result)[usdc] !== -101n) {
      throw new Error(`told ${JSON.stringify(result.flows)}`);
    }
    await holds(result, calls, [usdc]);
  });

  await check(`${engine}: the second call sees the state that the first left, and no later one`, async () => {
    const n = BigInt(await rpc.call('eth_call', call('Market', market, 'calls'), 'latest'));
    const calls = [n, n + 1n, n + 2n].map((k) => call('Market', market, 'only', [k]));
    expect(await simulate(calls, order), { success: true, findings: '' });
    expect(await simulate([calls[1]], order), { success: false, reason: 'Error: other state' });
  });

  await check(`${engine}: the block comes when this chain's next one does, not 12 seconds later`, async () => {
    const { timestamp } = await rpc.call('eth_getBlockByNumber', 'latest', false);
    const next = BigInt(timestamp) + 5n;
    const calls = [call('Market', market, 'late', [next]), call('Market', market, 'soon', [next])];
    expect(await simulate(calls, order), { success: true });
    expect(await simulate([call('Market', market, 'late', [next + 1n])], order), { success: false });
    expect(await simulate([call('Market', market, 'soon', [next - 1n])], order), { success: false });
  });

  await check(`${engine}: a bundle runs as the account's own code, and foreign code is found`, async () => {
    const delegated = { ...order, delegate: batch, assets: engine === V1 ? [dai] : [] };
    const inner = [
      { to: dai, value: 0n, data: call('Token', dai, 'transfer', [other, 7n]).data },
      { to: other, value: 9n, data: '0x' },
    ];
    const all = [call('Batch', me, 'all', [inner])];
    const result = await simulate(all, delegated);
    expect(result, { success: true, findings: '' });
    const flows = told(result);
    if (flows[dai] !== -7n || flows[zeroAddress] !== -9n) {
      throw new Error(JSON.stringify(result.flows));
    }
    const foreign = call('Batch', me, 'foreign', [market, call('Market', market, 'calls').data]);
    expect(await simulate([foreign], delegated), { success: true, findings: 'delegatecall' });
  });
}

await check('a bundle that is sent does what was simulated', async () => {
  const inner = [{ to: dai, value: 0n, data: call('Token', dai, 'transfer', [other, 11n]).data }];
  const all = call('Batch', me, 'all', [inner]);
  const result = await simulate([all], { delegate: batch, assets: [dai] });
  expect(result, { success: true });
  const nonce = Number(await rpc.call('eth_getTransactionCount', me, 'latest'));
  const authorization = await account.signAuthorization({ address: batch, chainId: 100, nonce: nonce + 1 });
  const before = await balance(dai);
  const raw = await account.signTransaction({
    type: 'eip7702',
    chainId: 100,
    nonce,
    to: me,
    data: all.data,
    gas: BigInt(result.calls[0].gas_limit) + 30000n, // of the authorization: 25,000 before it runs
    maxFeePerGas: MAX_FEE,
    maxPriorityFeePerGas: 1n,
    authorizationList: [authorization],
  });
  const { status } = await mined(await rpc.call('eth_sendRawTransaction', raw));
  if (status !== '0x1' || (await balance(dai)) - before !== -11n || told(result)[dai] !== -11n) {
    throw new Error(`status ${status}, told ${JSON.stringify(result.flows)}`);
  }
});

await check('a token that takes a fee is measured, whatever it logs', async () => {
  await send(call('Token', taxed, 'transfer', [market, 10000n]));
  await send(call('Token', usdc, 'approve', [market, 10n ** 18n]));
  const calls = [call('Market', market, 'swap', [usdc, taxed, 10n, 1000n])];
  const result = await simulate(calls, { assets: [usdc, taxed] });
  if (told(result)[taxed] !== 900n || !result.flows.every(({ measured }) => measured)) {
    throw new Error(JSON.stringify(result.flows));
  }
  await holds(result, calls, [usdc, taxed]);
});

await check('nonce, funds and fees are checked by the node where it can', async () => {
  const poor = '0x00000000000000000000000000000000000000f1';
  const result = await simulate([{ to: other, value: toHex(1n), data: '0x', gas: 21000 }], { from: poor });
  expect(result, { success: false, status: 0 });
  if (!/fund|balance/i.test(result.reason)) {
    throw new Error(result.reason);
  }
});

await check('what one engine lacks or garbles the next one does, and at the end nobody answers', async () => {
  const calls = [{ to: other, value: toHex(5n), data: '0x' }];
  const order = { order: [V1, TRACE, CALL] };
  expect(await simulate(calls, order), { engine: V1, inspected: true });
  expect(await simulate(calls, { ...order, lacks: [V1] }), { engine: TRACE, success: true });
  expect(await simulate(calls, { ...order, garbles: [V1] }), { engine: TRACE, success: true });
  expect(await simulate(calls, { ...order, lacks: [V1], garbles: [TRACE] }), { engine: CALL, success: true });
  expect(await simulate(calls, { ...order, lacks: [TRACE] }), { engine: V1, inspected: false, success: true });
  const nobody = await simulate(calls, { ...order, lacks: [V1, TRACE, 'eth_estimateGas'] });
  expect(nobody, { success: false });
  if (nobody.status === 0 || !nobody.reason.startsWith('no engine answered')) {
    throw new Error(JSON.stringify(nobody));
  }
  expect(await simulate(calls, { ...order, url: 'http://127.0.0.1:1' }), { success: false });
});

await check('eth_call says whether it succeeds, and why not', async () => {
  expect(await simulate([call('Market', market, 'caught')], { order: [CALL] }), { success: true, engine: CALL });
  for (const gas of [0, 200000]) {
    expect(await simulate([{ ...call('Market', market, 'words'), gas }], { order: [CALL] }), {
      success: false,
      reason: 'Error: not today',
    });
  }
});

program.stdin.end();
await node.stop?.();
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
