// One measurement: a sender on core 0, a subject on core 1, the same bytes, and the proof that all of them arrived.
import path from 'node:path';
import { serveRpc } from './rpc.mjs';
import { Child, SERVER_CORE, subjects } from './subjects.mjs';

export class LostEvents extends Error {}

const sleep = (ms) => new Promise((ok) => setTimeout(ok, ms));

/** What the subject says it got must be what was sent. */
function prove(name, got, want) {
  const wrong = ['messages', 'logs', 'sum', 'bytes'].filter((key) => key in got && got[key] !== want[key]);
  if (wrong.length > 0 || got.disorder > 0) {
    const list = wrong.map((key) => `${key} ${got[key]} instead of ${want[key]}`).join(', ');
    throw new LostEvents(`${name}: ${list}${got.disorder ? `, ${got.disorder} out of order` : ''}`);
  }
}

/**
 * Runs one subject over the first `messages` frames. `mode`: arguments of bench-sender. Returns what the subject
 * reported, with its peak of memory and how late the sender was. `holdMs`: stay at least so long.
 */
export async function runTrial(place, name, { messages, mode, tls, limitMs = 60_000, holdMs = 0, ...options }) {
  const want = place.frames.expected(messages);
  const sender = new Child(SERVER_CORE, [path.join(place.bench, 'bench-sender'), place.frames.file, String(messages),
    ...mode.map(String), ...(tls ? [tls.certificate, tls.key] : [])]);
  const rpc = await serveRpc();
  let subject;
  try {
    const port = await sender.line('port', (l) => typeof l === 'number', 10_000);
    subject = await subjects[name](place, { ...want, ...options, tls, port, rpcPort: rpc.port });
    const dead = subject.ended.then(() => { throw new Error(`${name} ended by itself: ${subject.error}`); });
    dead.catch(() => {});
    await Promise.race([dead, sender.line('subscribed', (l) => l === 'subscribed', 30_000)]);
    await subject.ready?.(30_000);
    await sleep(300); // let everybody fall asleep
    const hold = sleep(holdMs);
    sender.process.stdin.write('go\n');
    const got = await subject.line('done', (l) => l.done, limitMs)
      .catch((e) => { throw new LostEvents(`${name}: not all of ${want.logs} logs: ${e.message}`); });
    prove(name, got, want);
    const own = options.env?.BENCH_FD ? await subject.line('own', (l) => l.own, 10_000) : undefined;
    await hold;
    const sent = await sender.line('sent', (l) => l.sent !== undefined, 10_000);
    return { ...got, own, peak_kb: subject.peakKb(), late_us: sent.latency_us };
  } finally {
    await subject?.stop();
    await sender.stop();
    rpc.close();
  }
}
