import { findProgram } from '../find-program.js';

/** A program of the host that starts steps, found or named. */
export interface Runtime {
  readonly kind: 'crun' | 'runc' | 'bwrap';
  /** Absolute. */
  readonly program: string;
}

/** Where the host's own programs are: a user's PATH is not asked, as this runs as root. */
export const PROGRAM_PATH = '/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/usr/local/sbin';

/** By kind of isolation; the one that starts steps fastest first. */
export const RUNTIMES: Readonly<Record<'oci' | 'bwrap', readonly Runtime['kind'][]>> = {
  oci: ['crun', 'runc'],
  bwrap: ['bwrap'],
};

/** Those that are installed. */
export function findRuntimes(kinds: readonly Runtime['kind'][], searchPath: string = PROGRAM_PATH): readonly Runtime[] {
  return kinds.flatMap((kind) => {
    const program = findProgram(kind, searchPath);
    return program === undefined ? [] : [{ kind, program }];
  });
}
