import { posix } from 'node:path';
import type { CopyInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { InstructionContext } from '../instruction-context.js';

/** @throws `DOCKERFILE_SEMANTICS` for a URL in COPY and for a mode that is none; `DOCKERFILE_UNSUPPORTED` */
export function applyCopy(instruction: CopyInstruction, context: InstructionContext): void {
  const { keyword, text, source } = instruction;
  const { draft, build, checks, from, expand } = context;
  const sources = instruction.sources.map(expand);
  for (const path of sources) {
    refuseRemote(path, instruction);
    if (from === undefined) checks.contextPath(keyword, path);
  }
  const destination = expand(instruction.destination);
  const chown = instruction.chown === undefined ? '' : expand(instruction.chown);
  const chmod = instruction.chmod === undefined ? '' : expand(instruction.chmod);
  if (chmod !== '') checkMode(chmod, instruction);
  draft.addStep(
    {
      kind: 'copy',
      keyword,
      fromContext: from === undefined && !build.contextHasOwners,
      sources: sources.map((path) => ({ kind: 'path', input: 1, pattern: clippedSource(path) })),
      destination: joinedDestination(draft.cwd, destination),
      ...(chown === '' ? {} : { chown }),
      ...(chmod === '' ? {} : { chmod }),
    },
    { text, source, more: [from === undefined ? build.context() : build.rootfsOf(from, source)] },
  );
  const flags = [...(chown === '' ? [] : [`--chown=${chown}`]), ...(chmod === '' ? [] : [`--chmod=${chmod}`])];
  draft.recordLayer(`${[keyword, ...flags, ...sources, destination].join(' ')} # buildkit`);
}

/** `..` stops at the root; a slash at the end says nothing about a source. */
function clippedSource(path: string): string {
  return posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, '');
}

/** A slash, a dot or nothing at the end says that it is a directory. */
function joinedDestination(cwd: string, path: string): string {
  const isDirectory = /(?:^|\/)\.?$/.test(path);
  const absolute = posix.normalize(posix.isAbsolute(path) ? path : `${cwd}/${path}`).replace(/^\/+|\/+$/g, '');
  return absolute === '' ? '/' : `/${absolute}${isDirectory ? '/' : ''}`;
}

/** URLs, and `user@host:path` as ssh has it. */
const REMOTE = /^(?:(?:https?|git|ssh):\/\/|\w+@[\w.-]+:)/i;

function refuseRemote(path: string, { keyword, source }: CopyInstruction): void {
  if (!REMOTE.test(path)) return;
  const shown = path.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1***@');
  if (keyword === 'COPY') {
    throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot copy "${shown}": COPY takes files, not URLs`, {
      hint: 'Fetch it in a RUN step, or put it into the build context.',
      source,
    });
  }
  throw new TsbuildError('DOCKERFILE_UNSUPPORTED', `cannot add "${shown}": ADD of a URL is not supported yet`, {
    hint: `Line ${source.start.line}: fetch it in a RUN step with wget, curl or git, or put it into the build context.`,
    source,
  });
}

const SYMBOLIC = /^[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*$/;

function checkMode(mode: string, { source }: CopyInstruction): void {
  if (/^[0-7]+$/.test(mode) && Number.parseInt(mode, 8) <= 0o7777) return;
  if (SYMBOLIC.test(mode)) {
    throw new TsbuildError(
      'DOCKERFILE_UNSUPPORTED',
      `cannot set mode "${mode}": symbolic modes are not supported yet`,
      {
        hint: 'Give an octal mode, such as --chmod=755.',
        source,
      },
    );
  }
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot set mode "${mode}": it is not an octal number up to 7777`, {
    hint: 'Give an octal mode, such as --chmod=755.',
    source,
  });
}
