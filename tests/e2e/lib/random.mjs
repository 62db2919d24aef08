// Random choices that a seed repeats exactly. Owns nothing but its own state.
// Must never: be used for keys that hold anything, or read the clock.

/** 32-bit generator (sfc32) seeded from any string or number. */
export class Random {
  #s;

  constructor(seed) {
    let h = 0x811c9dc5;
    for (const ch of String(seed)) {
      h = Math.imul(h ^ ch.codePointAt(0), 0x01000193) >>> 0;
    }
    this.#s = new Uint32Array([h, h ^ 0x9e3779b9, Math.imul(h, 0x85ebca6b), 1]);
    for (let i = 0; i < 16; i++) {
      this.u32();
    }
  }

  u32() {
    const s = this.#s;
    const t = (s[0] + s[1] + s[3]) >>> 0;
    s[3] += 1;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + t;
    return t;
  }

  /** In [0, 1). */
  unit() {
    return this.u32() / 0x100000000;
  }

  /** An integer in [0, n). */
  below(n) {
    return Math.floor(this.unit() * n);
  }

  /** An integer in [low, high]. */
  between(low, high) {
    return low + this.below(high - low + 1);
  }

  chance(p) {
    return this.unit() < p;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Evenly spread over orders of magnitude: many small values, a few large ones. */
  logUniform(low, high) {
    return low * (high / low) ** this.unit();
  }

  /** The same elements in another order. */
  shuffle(list) {
    const mixed = [...list];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
    }
    return mixed;
  }
}
