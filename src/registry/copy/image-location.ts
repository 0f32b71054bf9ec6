import { resolve } from 'node:path';
import { formatReference, parseReference, withDefaultTag, type Reference } from '../../oci/reference.js';
import { TsbuildError } from '../../support/errors.js';

/** Where an image is or is to be. Paths are absolute. */
export type ImageLocation =
  | { readonly transport: 'docker'; readonly reference: Reference }
  /** By a name or an id, as users write it. */
  | { readonly transport: 'store'; readonly name: string }
  | {
      readonly transport: 'docker-archive' | 'oci-archive' | 'oci';
      readonly path: string;
      /** What the image is called there; without it, the only one there is. */
      readonly name: string | undefined;
    };

const PATH_TRANSPORTS = ['docker-archive', 'oci-archive', 'oci'] as const;
/** Transports of skopeo that mean something else here, or nothing. */
const OTHER_TRANSPORTS = ['dir', 'docker-daemon', 'containers-storage', 'ostree', 'sif', 'tarball'];

/**
 * Reads `docker://NAME`, `docker-archive:PATH[:NAME]`, `oci-archive:PATH[:NAME]` and `oci:PATH[:NAME]` as skopeo does, and
 * `store:NAME`, for which NAME alone will do.
 * @param directory absolute: where relative paths start
 * @throws `USAGE`, `REFERENCE_INVALID`
 */
export function parseImageLocation(text: string, directory: string): ImageLocation {
  const colon = text.indexOf(':');
  const [transport, rest] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  if (transport === 'docker') return { transport, reference: readDockerName(text, rest) };
  const kind = PATH_TRANSPORTS.find((each) => each === transport);
  if (kind !== undefined) return { transport: kind, ...readPath(text, rest, directory) };
  if (OTHER_TRANSPORTS.includes(transport)) {
    throw unreadable(text, `"${transport}:" is not supported`);
  }
  const name = transport === 'store' ? rest : text;
  if (name === '') throw unreadable(text, 'it names no image');
  return { transport: 'store', name };
}

/** As a user may write it. */
export function formatImageLocation(location: ImageLocation): string {
  if (location.transport === 'store') return location.name;
  if (location.transport === 'docker') return `docker://${formatReference(location.reference)}`;
  return `${location.transport}:${location.path}${location.name === undefined ? '' : `:${location.name}`}`;
}

function readDockerName(text: string, rest: string): Reference {
  if (!rest.startsWith('//')) throw unreadable(text, 'a name in a registry begins with "docker://"');
  return withDefaultTag(parseReference(rest.slice(2)));
}

function readPath(
  text: string,
  rest: string,
  directory: string,
): { readonly path: string; readonly name: string | undefined } {
  const colon = rest.indexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const name = colon < 0 ? '' : rest.slice(colon + 1);
  if (path === '') throw unreadable(text, 'it names no file');
  return { path: resolve(directory, path), name: name === '' ? undefined : name };
}

function unreadable(text: string, state: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use "${text.slice(0, 300)}": ${state}`, {
    hint: 'Give docker://NAME, docker-archive:FILE[:NAME], oci-archive:FILE[:NAME], oci:FOLDER[:NAME], or the name of an image in the store.',
  });
}
