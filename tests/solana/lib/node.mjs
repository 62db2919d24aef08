// A real runtime behind JSON-RPC and PubSub: Surfpool in a process of its own, and questions to it.
// Owns: that process. Must never: judge what it answers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
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
  let text = '';
  for await (const part of child.stdout) {
    text += part;
    const line = text.split('\n').find((l) => l.startsWith('{'));
    if (line && text.endsWith('\n')) return { child, stop, ...JSON.parse(line) };
  }
  throw new Error('surfpool ended');
}
