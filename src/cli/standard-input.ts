import { abortable, collect } from '../support/byte-streams.js';
import { TsbuildError } from '../support/errors.js';
import { SOURCE_LIMIT } from './context-files.js';
import { decodeSource } from './decode-source.js';
import type { Host } from './host.js';

/** What the Dockerfile from standard input goes by in messages. */
export const STDIN_NAME = 'stdin';

/**
 * A Dockerfile from standard input.
 * @throws `DOCKERFILE_NOT_FOUND` when there is none, or it is no text; `CONTEXT_INVALID` for an archive
 */
export async function readStandardInput({ stdin, signal }: Pick<Host, 'stdin' | 'signal'>): Promise<string> {
  const bytes = await firstBytes(abortable(stdin, 'read standard input', signal));
  const archive = archiveKind(bytes);
  if (archive !== undefined) {
    throw new TsbuildError(
      'CONTEXT_INVALID',
      `cannot build from standard input: a build context as ${archive} is not supported`,
      {
        hint: 'Unpack it and give the folder, or give only the Dockerfile on standard input.',
      },
    );
  }
  if (bytes.byteLength > SOURCE_LIMIT) throw unreadable('it is larger than 1 MiB');
  if (bytes.byteLength === 0) throw unreadable('it is empty');
  return decodeSource(bytes, { shown: STDIN_NAME, code: 'DOCKERFILE_NOT_FOUND', what: 'Dockerfile' });
}

/** One byte more than a Dockerfile may have tells that it is too long; an archive's kind shows in its first block. */
async function firstBytes(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return await collect(atMost(stdin, SOURCE_LIMIT + 1), SOURCE_LIMIT + 1);
}

async function* atMost(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = limit;
  for await (const chunk of source) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) return;
  }
}

/** By the bytes that a file of the kind begins with, as docker build tells them apart. */
function archiveKind(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  if (text.startsWith('ustar', 257)) return 'a tar archive';
  const compressed = ['\x1f\x8b', 'BZh', '\xfd7zXZ\0', '\x28\xb5\x2f\xfd'].some((magic) => text.startsWith(magic));
  return compressed ? 'a compressed archive' : undefined;
}

function unreadable(state: string): TsbuildError {
  return new TsbuildError('DOCKERFILE_NOT_FOUND', `cannot read the Dockerfile from standard input: ${state}`, {
    hint: 'Pipe a Dockerfile into the command, or give a folder that has one.',
  });
}
