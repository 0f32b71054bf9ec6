import { ARCHIVE_HEAD, archiveKind } from '../../builder/context/is-archive.js';
import { abortable, collect } from '../../support/byte-streams.js';
import { TsbuildError } from '../../support/errors.js';
import { SOURCE_LIMIT, type SourceText } from './context-files.js';
import { decodeSource } from './decode-source.js';
import type { Host } from '../host.js';

/** What the Dockerfile from standard input goes by in messages. */
export const STDIN_NAME = 'stdin';

type Input = Pick<Host, 'stdin' | 'signal'>;

/** What standard input turns out to be. */
export type StandardInput =
  | { readonly kind: 'dockerfile'; readonly dockerfile: SourceText }
  /** All of it, the bytes that were looked at included. */
  | { readonly kind: 'archive'; readonly bytes: AsyncIterable<Uint8Array> };

/**
 * A Dockerfile from standard input, or an archive, told apart by their first bytes.
 * @throws `DOCKERFILE_NOT_FOUND` when it is neither
 */
export async function contextOrDockerfile({ stdin, signal }: Input): Promise<StandardInput> {
  const source = abortable(stdin, 'read standard input', signal);
  const head = await firstBytes(source, ARCHIVE_HEAD);
  if (archiveKind(head) === undefined) return { kind: 'dockerfile', dockerfile: await textOf(head, source) };
  return { kind: 'archive', bytes: chained(head, source) };
}

/** All of standard input, as a file that is written by hand. @throws `DOCKERFILE_NOT_FOUND` when it is no text, or too large */
export async function textFromStdin({ stdin, signal }: Input): Promise<SourceText> {
  const source = abortable(stdin, 'read standard input', signal);
  return await textOf(new Uint8Array(), source);
}

/**
 * A Dockerfile from standard input, beside a build context from elsewhere.
 * @throws `DOCKERFILE_NOT_FOUND` when there is none, or it is no text
 */
export async function dockerfileFromStdin(host: Input): Promise<SourceText> {
  const input = await contextOrDockerfile(host);
  if (input.kind === 'dockerfile') return input.dockerfile;
  throw unreadable('it is an archive', 'To build from an archive give "-" for the context, without "-f -".');
}

async function textOf(head: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<SourceText> {
  const tooLong = (): TsbuildError => unreadable('it is larger than 1 MiB');
  const bytes = await collect(chained(head, rest), SOURCE_LIMIT, tooLong);
  if (bytes.byteLength === 0) throw unreadable('it is empty');
  const text = decodeSource(bytes, { shown: STDIN_NAME, code: 'DOCKERFILE_NOT_FOUND', what: 'Dockerfile' });
  return { name: STDIN_NAME, text };
}

/** At least `count` bytes, unless there are fewer. Leaves the source where it is: it is not closed. */
async function firstBytes(source: AsyncGenerator<Uint8Array, void>, count: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < count) {
    const next = await source.next();
    if (next.done === true) break;
    chunks.push(next.value);
    size += next.value.byteLength;
  }
  return Buffer.concat(chunks);
}

async function* chained(
  head: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  yield* rest;
}

function unreadable(state: string, hint?: string): TsbuildError {
  return new TsbuildError('DOCKERFILE_NOT_FOUND', `cannot read the Dockerfile from standard input: ${state}`, {
    hint: hint ?? 'Pipe a Dockerfile into the command, or give a folder that has one.',
  });
}
