// What @solana/kit takes for notifications of a Solana node: its own channel, serialisation and
// subscriptions above a channel that is fed from memory, up to the caller's loop. Its socket and its
// pooling of connections are left out.
import { performance } from 'node:perf_hooks';
import * as kit from '@solana/kit';

/** A channel whose frames come from `frames`, and which confirms the subscription. */
function memoryChannel() {
  const listeners = new Map();
  const say = (kind, value) => listeners.get(kind)?.forEach((listener) => listener(value));
  return {
    say,
    on(kind, listener, { signal } = {}) {
      if (!listeners.has(kind)) listeners.set(kind, new Set());
      listeners.get(kind).add(listener);
      const off = () => listeners.get(kind).delete(listener);
      signal?.addEventListener('abort', off);
      return off;
    },
    async send(message) {
      const { id, method } = JSON.parse(message);
      const result = method.endsWith('Unsubscribe') ? true : this.subscription;
      setImmediate(() => say('message', JSON.stringify({ jsonrpc: '2.0', id, result })));
    },
  };
}

const asked = {
  slotNotification: (rpc) => rpc.slotNotifications(),
  accountNotification: (rpc, account) => rpc.accountNotifications(account, { encoding: 'base64' }),
  logsNotification: (rpc, account) => rpc.logsNotifications({ mentions: [account] }),
};

/** Nanoseconds of CPU a frame (median of the rounds), and how many the caller's loop saw. */
export async function measure(name, subscription, account, framesOf, rounds) {
  const channel = Object.assign(memoryChannel(), { subscription });
  const transport = kit.createRpcSubscriptionsTransportFromChannelCreator(async () =>
    kit.getRpcSubscriptionsChannelWithBigIntJSONSerialization(channel));
  const rpc = kit.createSolanaRpcSubscriptionsFromTransport(transport);
  const ended = new AbortController();
  const notifications = await asked[name](rpc, kit.address(account)).subscribe({ abortSignal: ended.signal });
  let told = 0;
  const times = [];
  const loop = (async () => {
    for await (const _ of notifications) told++;
  })();
  for (let round = 0; round < rounds; round++) {
    const frames = framesOf(), wanted = told + frames.length, begin = process.cpuUsage(), late = performance.now() + 5000;
    for (const frame of frames) channel.say('message', frame);
    while (told < wanted && performance.now() < late) await new Promise(setImmediate);
    const { user, system } = process.cpuUsage(begin);
    times.push(((user + system) * 1000) / frames.length);
  }
  ended.abort();
  await loop.catch(() => {});
  times.sort((a, b) => a - b);
  return { ns: Math.round(times[rounds >> 1]), told };
}
