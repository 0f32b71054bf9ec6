import { createReadStream, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

const EXECUTOR = { command: 'tsbuild executor' };
/** kaniko's own. */
const DEFAULT_CONTEXT = 'dir:///workspace/';

export interface ExecutorContext {
  /** As `tsbuild build` takes it. */
  readonly context: string;
  readonly dockerfile: string | undefined;
  /** What stands for standard input, where the context is in a file. */
  readonly stdin: Readable | undefined;
}

/** What `--context`, `--context-sub-path`, `--dockerfile` and `--git` say, in the words of `tsbuild build`. @throws `USAGE` */
export function readExecutorContext(parsed: ParsedArguments, host: Pick<Host, 'cwd' | 'env'>): ExecutorContext {
  const word = parsed.value('context') ?? DEFAULT_CONTEXT;
  const [, scheme = 'dir', rest = word] = /^([a-z0-9]+):\/\/(.*)$/s.exec(word) ?? [];
  const folder = parsed.value('context-sub-path') ?? '';
  const dockerfile = parsed.value('dockerfile');
  switch (scheme) {
    case 'dir': {
      const context = join(resolve(host.cwd, rest), folder);
      return { context, dockerfile: dockerfileIn(context, dockerfile, host.cwd), stdin: undefined };
    }
    case 'tar':
      refuseFolder(word, folder);
      return { context: '-', dockerfile, stdin: archive(rest, host.cwd) };
    case 'git':
      return { context: repository(rest, { folder, parsed, host }), dockerfile, stdin: undefined };
    case 'http':
    case 'https':
      refuseFolder(word, folder);
      return { context: word, dockerfile, stdin: undefined };
    default:
      throw refused(word, `there is no reading ${scheme}://`, 'Fetch it first, and give dir://PATH or tar://FILE.');
  }
}

function archive(path: string, cwd: string): Readable | undefined {
  return path === 'stdin' ? undefined : createReadStream(resolve(cwd, path));
}

function refuseFolder(word: string, folder: string): void {
  if (folder === '') return;
  throw refused(word, 'a folder of an archive is no context', 'Unpack it, and give dir://PATH.');
}

function refused(word: string, state: string, hint: string): Error {
  return usageError(EXECUTOR, `cannot use --context "${word}": ${state}`, hint);
}

/** kaniko looks for it where it runs, then in the context. */
function dockerfileIn(context: string, dockerfile: string | undefined, cwd: string): string | undefined {
  if (dockerfile === undefined) return undefined;
  const here = resolve(cwd, dockerfile);
  return existsSync(here) ? here : resolve(context, dockerfile);
}

/** `HOST/PATH#REF#COMMIT`: by HTTPS unless GIT_PULL_METHOD says otherwise. */
function repository(
  rest: string,
  {
    folder,
    parsed,
    host,
  }: { readonly folder: string; readonly parsed: ParsedArguments; readonly host: Pick<Host, 'env'> },
): string {
  const [place = '', ref = '', commit = ''] = rest.split('#');
  const branch = parsed
    .list('git')
    .flatMap((word) => word.split(','))
    .map((field) => /^branch=(.+)$/.exec(field)?.[1])
    .find((name) => name !== undefined);
  const scheme = host.env['GIT_PULL_METHOD'] === 'http' ? 'http' : 'https';
  const address = `${scheme}://${place.replace(/\/+$/, '')}${place.endsWith('.git') ? '' : '.git'}`;
  const wanted = [commit, ref, branch ?? ''].find((one) => one !== '') ?? '';
  return wanted === '' && folder === '' ? address : `${address}#${wanted}${folder === '' ? '' : `:${folder}`}`;
}
