import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { abortable, collect } from '../support/byte-streams.js';
import { TsbuildError } from '../support/errors.js';
import type { Host } from './host.js';
import { print, writableOf } from './output-stream.js';

/** A password of more bytes is none. */
const LIMIT_BYTES = 64 * 1024;

/**
 * Asks whoever sits at the terminal. What is typed after a hidden question does not show.
 * @throws `USAGE` where nobody sits there; `ABORTED`
 */
export async function ask(
  { stdin, stderr, signal }: Pick<Host, 'stdin' | 'stderr' | 'signal'>,
  { question, hidden }: { readonly question: string; readonly hidden: boolean },
): Promise<string> {
  if (stdin.isTTY !== true) {
    throw new TsbuildError('USAGE', 'cannot log in: there is no terminal to ask at', {
      hint: 'Give --username, and the password on standard input with --password-stdin.',
    });
  }
  return await answerTo({ stdin, stderr, signal }, { question, hidden, what: 'log in' });
}

/** Whether whoever sits at the terminal says yes. Anything else is a no. @throws `ABORTED` */
export async function confirm(
  host: Pick<Host, 'stdin' | 'stderr' | 'signal'>,
  { question }: { readonly question: string },
): Promise<boolean> {
  return /^y(es)?$/i.test(await answerTo(host, { question, hidden: false, what: 'go on' }));
}

async function answerTo(
  { stdin, stderr, signal }: Pick<Host, 'stdin' | 'stderr' | 'signal'>,
  { question, hidden, what }: { readonly question: string; readonly hidden: boolean; readonly what: string },
): Promise<string> {
  if (hidden) await print(stderr, question);
  // readline echoes what is typed to its output; with a terminal's own echo off, nothing else does.
  const echo = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const reader = createInterface({ input: stdin, output: hidden ? echo : writableOf(stderr), terminal: true });
  // In raw mode Ctrl-C is a character: readline tells of it, the process gets no signal.
  const interrupted = new Promise<never>((_resolve, reject) => {
    reader.once('SIGINT', () => {
      reject(new TsbuildError('ABORTED', `cannot ${what}: it was cancelled`));
    });
  });
  try {
    return (await Promise.race([reader.question(hidden ? '' : question, { signal }), interrupted])).trim();
  } finally {
    reader.close();
    if (hidden) await print(stderr, '\n');
  }
}

/** Standard input without the line end that `echo` and editors add. @throws `ABORTED`, `USAGE` when it is too long */
export async function firstLine({ stdin, signal }: Pick<Host, 'stdin' | 'signal'>): Promise<string> {
  const tooLong = (): TsbuildError =>
    new TsbuildError('USAGE', `cannot take a password of more than ${LIMIT_BYTES} bytes`);
  const bytes = await collect(abortable(stdin, 'read standard input', signal), LIMIT_BYTES, tooLong);
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
