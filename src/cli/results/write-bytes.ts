import { writeOutputFile } from '../../support/output-file.js';

/** Writes a file that is there whole or not at all. @throws as `writeOutputFile` */
export async function writeBytes(path: string, bytes: Uint8Array, cwd: string): Promise<void> {
  await writeOutputFile(path, single(bytes), { cwd, mode: 0o644, brief: true });
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes);
}
