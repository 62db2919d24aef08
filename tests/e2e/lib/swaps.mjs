// Other builds of a plugin take over while it runs (`hawse reload`), again and again: the same file
// with some bytes behind its end, so that each has a digest of its own.
// Owns: the files in the subject's folder, and a count. Must never: let a swap that failed go
// unsaid.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export class Swaps {
  /** Of an instance whose plugin is `name`.so in pluginDir; the host has not started yet. */
  constructor(hawse, pluginDir, instance, name) {
    this.hawse = hawse;
    this.instance = instance;
    const build = readFileSync(path.join(pluginDir, `${name}.so`));
    this.files = [1, 2].map((number) => {
      const bytes = Buffer.concat([build, Buffer.from(`${number}`)]);
      const file = path.join(hawse.folder, `${name}-${number}.so`);
      writeFileSync(file, bytes, { mode: 0o755 });
      return { file, digest: createHash('sha256').update(bytes).digest('hex') };
    });
    this.socket = path.join(hawse.folder, 'swaps.sock');
    this.begun = 0;
    this.done = 0;
    this.longestUs = 0;
    this.failures = [];
    this.last = Promise.resolve();
  }

  /** What a configuration needs for it. */
  prepare(config) {
    config.control = { socket: this.socket };
    config.plugins.trusted = this.files.map(({ digest }) => `sha256:${digest}`);
    return config;
  }

  /** Exchanges it once those that were begun are over. */
  begin() {
    const { file, digest } = this.files[this.begun++ % this.files.length];
    this.last = this.last.then(() => this.#one(file, digest));
    return this.last;
  }

  async #one(file, digest) {
    const words = ['reload', this.instance, '--plugin', file, '--allow-diff', 'any', '--limit', '1000'];
    try {
      const [program, ...first] = this.hawse.command;
      const { stdout } = await promisify(execFile)(program, [
        ...first, ...words, '--json', '--socket', this.socket,
      ]);
      const said = JSON.parse(stdout);
      if (said.digest !== digest) {
        throw new Error(`it runs ${said.digest} instead of ${digest}`);
      }
      this.longestUs = Math.max(this.longestUs, said.pause_us);
      this.done++;
    } catch (error) {
      this.failures.push(`a swap failed: ${error.stderr || error.message}`);
    }
  }
}
