import { TsbuildError } from '../../support/errors.js';
import { resourceLimit } from '../../support/syscalls.js';
import type { ResourceLimit } from '../run-spec.js';

/** In the order of their numbers (asm-generic/resource.h). */
export const RESOURCES: readonly string[] = [
  ...['cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'nproc', 'nofile'],
  ...['memlock', 'as', 'locks', 'sigpending', 'msgqueue', 'nice', 'rtprio', 'rttime'],
];

/** RLIM_INFINITY is all ones. */
export function limitValue(limit: number): bigint {
  return limit === Infinity ? 0xffff_ffff_ffff_ffffn : BigInt(limit);
}

/** @throws `USAGE` for a limit that there is not, and for one above this process's own, which no step can be given */
export function checkLimits(limits: readonly ResourceLimit[]): void {
  for (const { name, soft, hard } of limits) {
    const resource = RESOURCES.indexOf(name);
    if (resource === -1) throw refused(name, 'there is no such limit', `The limits are ${RESOURCES.join(', ')}.`);
    if (soft > hard)
      throw refused(name, 'the soft limit is above the hard one', 'Give soft:hard, the larger one last.');
    const own = resourceLimit(resource).hard;
    if (limitValue(hard) <= own) continue;
    const state = `${hard === Infinity ? 'no limit' : hard} is above the ${own} that this process may have`;
    throw refused(name, state, `Give ${own} at most, or raise the hard limit of the shell (ulimit -H) first.`);
  }
}

function refused(name: string, state: string, hint: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot give steps limit "${name}": ${state}`, { hint });
}
