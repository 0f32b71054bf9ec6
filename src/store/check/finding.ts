import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { layout } from '../layout.js';

/** As ARCHITECTURE.md numbers what has to hold of a store. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I7' | 'I9';

/** Something that a store should not have, or should have otherwise. */
export interface Finding {
  readonly invariant: Invariant;
  /** Below the store's root. */
  readonly path: string;
  /** What is wrong, as in `<path>: <state>`. */
  readonly state: string;
  /** What a repair does about it, as in `the repair <remedy>`; absent where only a person can decide. */
  readonly remedy?: string | undefined;
  /** Does it. Under the exclusive lock. @throws system errors */
  readonly repair?: (() => Promise<void>) | undefined;
}

/** Out of the way, and not gone: a person may want to look at it. */
export function quarantined(
  root: string,
  path: string,
  what: Pick<Finding, 'invariant' | 'state'>,
): Finding & { readonly path: string } {
  const target = join(layout.corrupt(root), path.replaceAll('/', '-'));
  const repair = async (): Promise<void> => {
    await mkdir(layout.corrupt(root), { recursive: true, mode: 0o700 });
    await rename(join(root, path), target);
  };
  return { ...what, path, remedy: `moves it to corrupt/${path.replaceAll('/', '-')}`, repair };
}
