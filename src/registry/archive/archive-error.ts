import { TsbuildError } from '../../support/errors.js';

/** @param state as in `cannot load archive: <state>` */
export function archiveInvalid(
  state: string,
  options: { readonly hint?: string; readonly cause?: unknown } = {},
): TsbuildError {
  const { hint = 'Make the archive again, or fetch it again: the copy at hand is damaged or incomplete.', cause } =
    options;
  return new TsbuildError('ARCHIVE_INVALID', `cannot load archive: ${state}`, { hint, cause });
}
