import type { Snapshotter } from '../../layers/snapshotter.js';
import { TsbuildError } from '../../support/errors.js';

export type SnapshotterName = Snapshotter['name'];

const NAMES: readonly SnapshotterName[] = ['erofs', 'overlay', 'copy'];

export interface Mountable {
  readonly overlay: boolean;
  /** Layers, from their tars. */
  readonly images: boolean;
}

/**
 * How root file systems are made of layers: in the way that takes least, or in the one that is wanted.
 * @param wanted of TSBUILD_SNAPSHOTTER
 * @throws `USAGE`; `SANDBOX_UNAVAILABLE` for one that the machine cannot mount
 */
export function chooseSnapshotter(wanted: string | undefined, { overlay, images }: Mountable): SnapshotterName {
  const possible = NAMES.filter((name) => name === 'copy' || (overlay && (name === 'overlay' || images)));
  if (wanted === undefined || wanted === '' || wanted === 'auto') return possible[0] ?? 'copy';
  const name = NAMES.find((each) => each === wanted);
  if (name === undefined) {
    throw new TsbuildError('USAGE', `cannot use TSBUILD_SNAPSHOTTER "${wanted}": there is no such way`, {
      hint: `Use one of auto, ${NAMES.join(', ')}.`,
    });
  }
  if (possible.includes(name)) return name;
  throw new TsbuildError('SANDBOX_UNAVAILABLE', `cannot make root file systems by ${name}: it cannot be mounted here`, {
    hint: `Without TSBUILD_SNAPSHOTTER, tsbuild takes "${possible[0] ?? 'copy'}" on this machine. "tsbuild info" says more.`,
  });
}
