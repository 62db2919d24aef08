// Several subjects, measured in turns.
import { runTrial } from './trial.mjs';

/** Rounds with every subject in each, so that what else the machine does meets all alike: lists of runs by name. */
export async function rounds(place, names, trialOf) {
  const all = Object.fromEntries(names.map((name) => [name, []]));
  for (let run = 0; run < place.runs; run++)
    for (const name of names) all[name].push(await runTrial(place, name, trialOf(name)));
  return all;
}

/** Ratios of the runs of one round, since only those met the same machine. */
export const ratios = (a, b, of) => a.map((one, i) => of(one) / of(b[i]));
