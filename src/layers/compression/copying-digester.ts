import { closeSync, openSync } from 'node:fs';
import { createDigester, type DigestAlgorithm, type Digester } from '../../oci/digest.js';
import { writeFullySync } from '../../support/atomic-file.js';

export interface Copying {
  readonly algorithm: DigestAlgorithm;
  /** Absolute path of a file that is made; absent: there is no copy. */
  readonly copy?: string | undefined;
}

export interface CopyingDigester extends Digester, Disposable {}

/** Digests what it is given, and writes it to a file. Methods @throws system errors */
export function openCopyingDigester({ algorithm, copy }: Copying): CopyingDigester {
  const digester = createDigester(algorithm);
  let descriptor = copy === undefined ? undefined : openSync(copy, 'wx', 0o600);
  const close = (): void => {
    const open = descriptor;
    descriptor = undefined;
    if (open !== undefined) closeSync(open);
  };
  return {
    update: (chunk) => {
      digester.update(chunk);
      if (descriptor !== undefined) writeFullySync(descriptor, chunk);
    },
    finish: () => {
      close();
      return digester.finish();
    },
    [Symbol.dispose]: close,
  };
}
