// Reads the tape of a trial and says what is wrong with it: events twice, holes in sequences, late
// events outside a gap, gaps that never end, slots that do not follow each other.
// Must never: ask a node. What there was to be told comes from the trial.
const STREAMS = { 'solana.slot': 1, 'solana.rollback': 1, 'solana.account': 2, 'solana.account_part': 2, 'solana.log': 3, 'solana.signature': 4 };

export class Judge {
  constructor() {
    this.faults = [];
    this.counts = {};
    this.seq = new Map();
    this.open = new Map(); // stream -> gap
    this.live = new Set();
    this.logs = new Map(); // signature -> slots at which it stands told
    this.accounts = new Map(); // key -> states told, oldest first
    this.slots = []; // the told branch
    this.gaps = { announced: 0, healed: 0, unhealable: 0, late: 0 };
    this.rollbacks = [];
    this.final = 0; // told slots up to here cannot change
  }

  fault(text) {
    if (this.faults.length < 20) this.faults.push(text);
  }

  take(event) {
    this.counts[event.t] = (this.counts[event.t] ?? 0) + 1;
    this.#sequence(event);
    if (event.t.startsWith('stream.')) this.#continuity(event);
    else this.#data(event);
  }

  #sequence(event) {
    const seq = (this.seq.get(event.stream) ?? 0) + 1;
    if (event.seq !== seq) this.fault(`stream ${event.stream}: seq ${event.seq} instead of ${seq}`);
    this.seq.set(event.stream, event.seq);
  }

  #continuity(event) {
    const { stream } = event;
    const kind = event.t.slice(7);
    if (kind === 'gap') {
      if (this.open.has(stream)) this.fault(`stream ${stream}: a gap inside a gap`);
      this.open.set(stream, event);
      this.gaps.announced++;
    } else if (kind === 'healed' || kind === 'unhealable') {
      if (!this.open.delete(stream)) this.fault(`stream ${stream}: ${kind} without a gap`);
      this.gaps[kind]++;
      if (kind === 'unhealable' && stream === 1) this.slots = [];
    } else if (kind === 'final' && stream === 1) {
      if (event.to <= this.final) this.fault(`final up to ${event.to}, it was ${this.final}`);
      this.final = event.to;
    } else if (kind === 'live') {
      this.live.add(stream);
    }
  }

  #data(event) {
    const stream = STREAMS[event.t];
    if (event.stream !== stream) this.fault(`${event.t} on stream ${event.stream}`);
    if (event.backfilled && !event.removed) {
      this.gaps.late++;
      if (this.live.has(stream) && !this.open.has(stream) && !this.snapshots?.(event)) {
        this.fault(`late outside a gap: ${JSON.stringify(event).slice(0, 300)}`);
      }
    }
    if (event.t === 'solana.log') this.#log(event);
    if (event.t === 'solana.account') this.#account(event);
    if (event.t === 'solana.slot') this.#slot(event);
    if (event.t === 'solana.rollback') this.rollbacks.push(event);
  }

  #log(event) {
    const told = this.logs.get(event.signature) ?? [];
    this.logs.set(event.signature, told);
    if (event.removed) {
      const at = told.indexOf(event.slot);
      if (at < 0) this.fault(`taken back but not told: ${event.signature} at ${event.slot}`);
      else told.splice(at, 1);
      return;
    }
    if (told.includes(event.slot)) this.fault(`twice: ${event.signature} at ${event.slot}`);
    told.push(event.slot);
  }

  #account(event) {
    const told = this.accounts.get(event.pubkey) ?? [];
    this.accounts.set(event.pubkey, told);
    if (!event.removed) {
      told.push(event);
      return;
    }
    let at = told.length - 1;
    while (at >= 0 && !(told[at].slot === event.slot && told[at].lamports === event.lamports)) at--;
    if (at < 0) this.fault(`taken back but not told: ${event.pubkey} at ${event.slot}`);
    else told.splice(at, 1);
  }

  #slot(event) {
    const head = this.slots.at(-1);
    if (event.removed) {
      if (head !== event.slot) this.fault(`slot ${event.slot} taken back, the newest is ${head}`);
      if (event.slot <= this.final) this.fault(`slot ${event.slot} taken back, final up to ${this.final}`);
      this.slots.pop();
      return;
    }
    if (head !== undefined && event.parent !== head) this.fault(`slot ${event.slot} follows ${event.parent}, told was ${head}`);
    this.slots.push(event.slot);
  }

  /** At the end: each of `signatures` told once, `states` (key -> lamports) as told last. */
  finish(signatures, states) {
    const missed = signatures.filter((s) => !this.logs.get(s)?.length);
    const twice = signatures.filter((s) => (this.logs.get(s)?.length ?? 0) > 1);
    const known = new Set(signatures);
    const foreign = [...this.logs].filter(([s, told]) => told.length > 0 && !known.has(s));
    const stale = Object.entries(states).filter(([key, lamports]) => this.accounts.get(key)?.at(-1)?.lamports !== String(lamports));
    for (const [stream, gap] of this.open) this.fault(`stream ${stream}: the gap from ${gap.from} (${gap.reason}) never ended`);
    if (foreign.length) this.fault(`${foreign.length} told that never happened: ${foreign[0]}`);
    if (missed.length) this.fault(`${missed.length} missed, first ${missed[0]}`);
    if (twice.length) this.fault(`${twice.length} told twice, first ${twice[0]} at ${this.logs.get(twice[0])}`);
    if (stale.length) this.fault(`${stale.length} accounts whose state told last is wrong, first ${stale[0]}, told ${this.accounts.get(stale[0][0])?.at(-1)?.lamports}`);
    return { happened: signatures.length, missed: missed.length, twice: twice.length, stale: stale.length };
  }
}
