import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { outputError } from '../../support/output-error.js';
import type { Host } from '../host.js';

/** A file in the place of standard error, for what a build shows; what was in it is gone. */
export interface LogFile {
  readonly stderr: Host['stderr'];
  /** @throws `OUTPUT_FAILED`, `DISK_FULL` when not all could be written */
  close(): Promise<void>;
}

/** @throws `OUTPUT_FAILED` */
export async function openLogFile(path: string, { cwd }: Pick<Host, 'cwd'>): Promise<LogFile> {
  const what = `the log "${path}"`;
  const stream = createWriteStream(resolve(cwd, path), { mode: 0o644 });
  let failure: unknown;
  // Told once all is over: a full disk does not end a build.
  stream.on('error', (error) => (failure ??= error));
  try {
    await once(stream, 'open');
  } catch (error) {
    throw outputError(what, error);
  }
  return {
    stderr: stream,
    async close() {
      await new Promise<void>((done) => {
        stream.once('close', done);
        stream.end();
      });
      if (failure !== undefined) throw outputError(what, failure);
    },
  };
}
