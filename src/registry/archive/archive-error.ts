import { ArchiveFault, type ArchiveFaultOptions } from '../../layers/tar/archive-fault.js';
import { isTsbuildError, TsbuildError, type ErrorCode } from '../../support/errors.js';

const HINT = 'Make the archive again, or fetch it again: the copy at hand is damaged or incomplete.';
/** Of documents and blobs, whose errors name them by digest alone. */
const OF_CONTENTS: ReadonlySet<ErrorCode> = new Set(['DIGEST_MISMATCH', 'DOCUMENT_INVALID', 'LAYER_INVALID']);

/** @param state as in `cannot read archive "image.tar": <state>` */
export function archiveInvalid(state: string, options: ArchiveFaultOptions = {}): ArchiveFault {
  return new ArchiveFault(state, { hint: HINT, ...options });
}

/**
 * What goes wrong with the contents of an archive, as an error that names the archive; any other as it is.
 * @param shown as in `cannot read <shown>: …`
 */
export function inArchive(error: unknown, shown: string): unknown {
  if (!isTsbuildError(error)) return error;
  const { code, hint, details, cause } = error;
  const state = error instanceof ArchiveFault ? error.state : OF_CONTENTS.has(code) ? error.message : undefined;
  if (state === undefined) return error;
  return new TsbuildError(code, `cannot read ${shown}: ${state}`, { hint, details, cause });
}

/** An archive, or a folder that is a layout, in messages. */
export function shownArchive(path: string, kind: 'archive' | 'layout' = 'archive'): string {
  return `${kind} "${path}"`;
}
