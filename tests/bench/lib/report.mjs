// Medians, spread, the table with goals, and what the machine is.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../e2e/package.json');

export const median = (list) => { const s = [...list].sort((a, b) => a - b); return s[(s.length - 1) >> 1]; };

export class Report {
  constructor() {
    this.rows = [];
    this.wrong = [];
  }

  /** One figure from its runs; with `goal` (and `least`: at least, not at most) it is met or missed. */
  figure(what, runs, { unit = '', goal, least = false, digits = 2, note = '' } = {}) {
    const list = [].concat(runs).filter((n) => Number.isFinite(n));
    if (list.length === 0) return;
    const value = median(list), low = Math.min(...list), high = Math.max(...list);
    const met = goal === undefined ? undefined : least ? value >= goal : value <= goal;
    this.rows.push({ what, unit, value, low, high, runs: list, goal, least, met, note });
    const spread = list.length > 1 ? ` (${low.toFixed(digits)} to ${high.toFixed(digits)})` : '';
    const judged = met === undefined ? '' : `   goal ${least ? '>=' : '<='} ${goal}: ${met ? 'met' : 'MISSED'}`;
    console.log(`  ${what.padEnd(44)} ${value.toFixed(digits).padStart(10)} ${unit}${spread}${judged}${note && `   ${note}`}`);
  }

  fact(what, good, text) {
    this.rows.push({ what, good, text });
    console.log(`  ${what.padEnd(44)} ${text}${good === undefined ? '' : good ? '   goal: met' : '   goal: MISSED'}`);
  }

  /** A result that is wrong, not slow: the run fails. */
  fault(text) {
    this.wrong.push(text);
    console.log(`  WRONG: ${text}`);
  }
}

const said = (command, ...args) => {
  try { return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(); } catch { return 'unknown'; }
};

export function versions(hawse) {
  const of = (name) => {
    try { return JSON.parse(readFileSync(path.join(path.dirname(packages), 'node_modules', name, 'package.json'))).version; } catch { return 'missing'; }
  };
  return {
    cpu: os.cpus()[0].model.trim(), cores: os.cpus().length, kernel: os.release(), load: os.loadavg().map((n) => n.toFixed(2)).join(' '),
    system: /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown',
    commit: said('git', '-C', path.dirname(packages), 'describe', '--always', '--dirty'),
    hawse: said(hawse, 'version').split('\n').map((line) => line.split(/\s+/).join(' ')).join(', '), cc: said(process.env.CC ?? 'cc', '--version').split('\n')[0], openssl: said('openssl', 'version'),
    valgrind: said('valgrind', '--version'), node: process.version, ws: of('ws'), viem: of('viem'), ethers: of('ethers'),
  };
}
