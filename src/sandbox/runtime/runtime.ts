import { findSystemProgram } from '../../support/system-program.js';

/** A program of the host that starts steps, found or named. */
export interface Runtime {
  readonly kind: 'crun' | 'runc' | 'bwrap';
  /** Absolute. */
  readonly program: string;
}

/** By kind of isolation; the one that starts steps fastest first. */
export const RUNTIMES: Readonly<Record<'oci' | 'bwrap', readonly Runtime['kind'][]>> = {
  oci: ['crun', 'runc'],
  bwrap: ['bwrap'],
};

/** Those that are installed. A user's PATH is not asked, as this runs as root. */
export function findRuntimes(kinds: readonly Runtime['kind'][], directories?: readonly string[]): readonly Runtime[] {
  return kinds.flatMap((kind) => {
    const program = findSystemProgram(kind, directories);
    return program === undefined ? [] : [{ kind, program }];
  });
}
