// A real runtime behind JSON-RPC and PubSub: Surfpool in a process of its own, and questions to it.
// Owns: that process. Must never: judge what it answers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { guardChild } from '../../e2e/lib/anvil.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
let asked = 0;

/** One question; its result, or an error with the code and data of the node's. */
export async function ask(url, method, params = []) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: ++asked, method, params });
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await answer.json();
  if (error) throw Object.assign(new Error(`${method}: ${JSON.stringify(error)}`), { code: error.code, data: error.data });
  return result;
}

/** rpc and ws: addresses; secret: the payer's key in hexadecimal. */
export async function startSurfpool(slotMs) {
  const options = { offline: true, blockProductionMode: 'clock', slotTimeMs: slotMs };
  const child = spawn(process.execPath, [path.join(here, 'surfnet.cjs'), JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  guardChild(child);
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let line;
  do {
    line = await lines.next();
    if (line.done) throw new Error('surfpool ended');
  } while (!line.value.startsWith('{'));
  const addresses = JSON.parse(line.value);
  /** Writes an account without a transaction, of at most a megabyte or so: it goes by JSON-RPC. */
  const setAccount = (key, { owner, data, lamports = 10_000_000_000 }) =>
    ask(addresses.rpc, 'surfnet_setAccount', [key, { lamports, owner, data: Buffer.from(data).toString('hex') }]);
  return { child, stop, setAccount, ...addresses };
}
