import type { ProgressSink } from '../../builder/progress.js';
import type { ImageFiles } from '../../toolchain/image-files.js';
import { parseReference, withDefaultTag } from '../../oci/reference.js';
import { parseImageLocation, type ImageLocation } from '../../registry/copy/image-location.js';
import { isTsbuildError } from '../../support/errors.js';
import type { Toolchain } from '../../toolchain/toolchain-types.js';

export const PULL_POLICIES = { missing: 'missing', always: 'always', never: 'never' } as const;

export type PullPolicy = keyof typeof PULL_POLICIES;

export interface WantedFiles {
  /** As a user writes it: a name or an id in the store, or with a transport, as of `tsbuild copy`. */
  readonly name: string;
  readonly platform: string | undefined;
  readonly pull: PullPolicy;
}

interface Asking {
  /** Absolute: where relative paths start. */
  readonly cwd: string;
  readonly progress: ProgressSink;
  readonly signal: AbortSignal;
}

/**
 * The files of an image: of the store, into which it is pulled when it is missing; a name that is there for another platform
 * stays what it is, and the wanted image is read from the registry. The caller disposes them.
 */
export async function imageFilesOf(
  toolchain: Toolchain,
  { name, platform, pull }: WantedFiles,
  { cwd, progress, signal }: Asking,
): Promise<ImageFiles> {
  const location = parseImageLocation(name, cwd);
  const options = { platform, progress, signal };
  if (location.transport !== 'store') return await toolchain.imageFiles(location, options);
  if (pull === 'always') await toolchain.pull(location.name, options);
  try {
    return await toolchain.imageFiles(location, options);
  } catch (error) {
    const remote = pull === 'missing' ? inRegistry(location.name) : undefined;
    if (remote === undefined) throw error;
    if (isTsbuildError(error, 'PLATFORM_NOT_FOUND')) return await toolchain.imageFiles(remote, options);
    if (!isTsbuildError(error, 'IMAGE_NOT_FOUND')) throw error;
    await toolchain.pull(location.name, options);
    return await toolchain.imageFiles(location, options);
  }
}

/** `undefined` for what is no name, such as an id. */
function inRegistry(name: string): ImageLocation | undefined {
  try {
    return { transport: 'docker', reference: withDefaultTag(parseReference(name)) };
  } catch (error) {
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}
