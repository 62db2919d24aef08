// The account in the trial: what goes wrong on its user channel, and the verdict on what was told of its
// orders and trades. Every trade's every order must have been told to its end, nothing twice, nothing
// backwards; an order that was placed and canceled unfilled inside a gap leaves no trace at the venue.
// Owns: nothing but what it was given. Must never: ask the double anything before the end.
import { Account } from './account.mjs';

const ONE = 1_000_000;
const STATES = { LIVE: 1, MATCHED: 2, CANCELED: 3 };
const STEPS = { MATCHED: 1, RETRYING: 2, MINED: 3, CONFIRMED: 4, FAILED: 5 };
/** anvil's first key: everybody knows it. */
const WALLET = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
export const SECRETS = { secret: 'c2VjcmV0LW9mLXRoZS10cmlhbC0wMTIzNDU2Nzg5YWI=', passphrase: 'phrase-of-the-trial-77' };
const ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const KEY = '9180014b-33c8-9240-a14b-bdca11c0a465';

export function accountOf(double, random) {
  process.env.TRIAL_SECRET = SECRETS.secret;
  process.env.TRIAL_PASSPHRASE = SECRETS.passphrase;
  return new Account({ double, random, address: ADDRESS, key: KEY, ...SECRETS });
}

/** The same account by its wallet's key: the host asks for the API key itself. */
export function walletCredential() {
  process.env.TRIAL_WALLET = WALLET;
  return { schema: 'polymarket-l1', endpoints: ['clob', 'user'], values: { key: '${TRIAL_WALLET}' } };
}

export const credential = {
  schema: 'polymarket-l2', endpoints: ['clob', 'user'],
  values: {
    address: ADDRESS, api_key: KEY, secret: '${TRIAL_SECRET}', passphrase: '${TRIAL_PASSPHRASE}',
  },
};

/** What goes wrong, by name; each is healed by the end. */
export function troublesOf(account, random) {
  const all = (what) => account.sessions.forEach(what);
  const burst = (n) => {
    for (let i = 0; i < n; i++) {
      account.step();
    }
  };
  return {
    'user: kill': () => {
      all((one) => one.socket.terminate());
      burst(12); /* all of it while nobody listens */
    },
    'user: freeze': () => all((one) => (one.frozen = true)),
    'user: silence': () => all((one) => (one.silent = true)),
    'user: half open': () => all((one) => one.socket._socket.pause()),
    'user: lose a frame': () => (account.lose = 1),
    'user: double': () => account.recent.forEach((text) => all((one) => one.say(text))),
    'user: reorder': () => {
      const texts = [...account.recent];
      while (texts.length > 0) {
        const [text] = texts.splice(random(texts.length), 1);
        all((one) => one.say(text));
      }
    },
    'user: late': () => {
      account.lateMs = 1500;
      setTimeout(() => (account.lateMs = 0), 1000);
    },
    'user: break a frame': () => all((one) => one.say('[{"event_type":"order","id":')),
  };
}

export class OwnTape {
  constructor() {
    this.orders = new Map(); // order -> { state, filled }
    this.trades = new Map(); // trade|order -> settlement
    this.wrong = [];
    this.counts = { orders: 0, trades: 0, late: 0 };
  }

  take(event) {
    if (event.t === 'wallet.order') {
      this.counts.orders++;
      const filled = Number(event.filled);
      const last = this.orders.get(event.order);
      if (last && (last.state !== 1 || filled < last.filled ||
        (event.state === 1 && filled === last.filled && event.original === last.original))) {
        this.wrong.push(`order ${event.order} goes from ${JSON.stringify(last)} to ${event.state}, ${filled}`);
      }
      this.orders.set(event.order, { state: event.state, filled, original: event.original });
    } else if (event.t === 'wallet.trade') {
      this.counts.trades++;
      const key = `${event.trade}|${event.order}`;
      const last = this.trades.get(key) ?? 0;
      if (last >= 4 || last === event.settlement) {
        this.wrong.push(`trade ${key} goes from ${last} to ${event.settlement}`);
      }
      this.trades.set(key, event.settlement);
    }
  }

  differences(account) {
    const wrong = [...this.wrong];
    let unseen = 0;
    for (const order of account.orders.values()) {
      const told = this.orders.get(order.id);
      const filled = Math.round(Number(order.size_matched) * ONE);
      if (!told && order.status === 'CANCELED' && filled === 0) {
        unseen++;
      } else if (told?.state !== STATES[order.status] || told.filled !== filled) {
        wrong.push(`order ${order.id} is ${order.status} with ${filled}, told ${JSON.stringify(told)}`);
      }
    }
    for (const trade of account.trades.values()) {
      const own = trade.trader_side === 'TAKER' ? trade.taker_order_id : trade.maker_orders[0].order_id;
      const told = this.trades.get(`${trade.id}|${own}`);
      if (told !== STEPS[trade.status]) {
        wrong.push(`trade ${trade.id} is ${trade.status}, told ${told}`);
      }
    }
    if (this.trades.size !== account.trades.size) {
      wrong.push(`${this.trades.size} trades were told, ${account.trades.size} happened`);
    }
    this.counts.unseen = unseen;
    return wrong;
  }
}
