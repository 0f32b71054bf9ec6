import { textOfBytes, type ByteString } from '../../../support/byte-string.js';
import { TsbuildError } from '../../../support/errors.js';

/** @param action as `copy folder "x"` */
export function inTheWay(action: string, target: ByteString, kind: 'file' | 'directory'): TsbuildError {
  return new TsbuildError('COPY_FAILED', `cannot ${action} to "/${textOfBytes(target)}": a ${kind} is in its place`, {
    hint: `Remove the ${kind} in a RUN before, or choose another destination.`,
  });
}
