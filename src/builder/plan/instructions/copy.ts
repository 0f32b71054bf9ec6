import { posix } from 'node:path';
import type { CopyInstruction } from '../../../parser/instruction.js';
import { TsbuildError } from '../../../support/errors.js';
import type { CopyOperation } from '../../operation.js';
import { parseModeChange } from '../../operations/copy/mode-change.js';
import { isTreeSource } from '../file-source.js';
import type { InstructionContext } from '../instruction-context.js';
import { CopySources } from './copy-sources.js';

/**
 * COPY and ADD, as BuildKit plans them (dockerfile.md 73 to 104).
 * @throws `DOCKERFILE_SEMANTICS` for a URL in COPY, a mode that is none, a checksum without a single remote source to check, an
 * owner's name that `--link` cannot look up
 */
export function applyCopy(instruction: CopyInstruction, context: InstructionContext): void {
  const { keyword, source } = instruction;
  const { draft, build, from, expand } = context;
  const sources = new CopySources(instruction, context);
  const destination = expand(instruction.destination);
  const owner = instruction.chown === undefined ? '' : expand(instruction.chown);
  const mode = instruction.chmod === undefined ? '' : expand(instruction.chmod);
  if (mode !== '') checkMode(mode, instruction);
  const flags: Flags = {
    ...(owner === '' ? {} : { chown: owner }),
    ...(mode === '' ? {} : { chmod: mode }),
    ...(isLinked(instruction, { owner, mode }, context) ? { link: true } : {}),
    ...(instruction.parents ? { parents: true } : {}),
    ...(instruction.exclude.length === 0 ? {} : { exclude: instruction.exclude }),
    ...(instruction.unpack === undefined ? {} : { unpack: instruction.unpack }),
  };
  const operation: CopyOperation = {
    kind: 'copy',
    keyword,
    // What a named context or a repository gives is as little a stage's as the files of the build context are.
    fromContext: from === undefined ? !build.contextHasOwners : isTreeSource(from),
    sources: sources.planned,
    destination: joinedDestination(draft.cwd, destination),
    ...flags,
  };
  draft.addStep(operation, { text: sources.text, source, more: sources.inputs });
  draft.recordLayer(`${historyText(keyword, flags, [...sources.shown, destination])} # buildkit`);
}

type Flags = Pick<CopyOperation, 'chown' | 'chmod' | 'link' | 'parents' | 'exclude' | 'unpack'>;

/** Of the flags BuildKit writes these three, in this order. */
function historyText(keyword: string, { parents, chown, chmod }: Flags, words: readonly string[]): string {
  const flags = [
    ...(parents === true ? ['--parents'] : []),
    ...(chown === undefined ? [] : [`--chown=${chown}`]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod}`]),
  ];
  return [keyword, ...flags, ...words].join(' ');
}

/** A slash, a dot or nothing at the end says that it is a directory. */
function joinedDestination(cwd: string, path: string): string {
  const isDirectory = /(?:^|\/)\.?$/.test(path);
  const absolute = posix.normalize(posix.isAbsolute(path) ? path : `${cwd}/${path}`).replace(/^\/+|\/+$/g, '');
  return absolute === '' ? '/' : `/${absolute}${isDirectory ? '/' : ''}`;
}

/** BuildKit leaves --link out beside --chmod (dockerfile.md 96). */
function isLinked(
  { link, source, keyword }: CopyInstruction,
  { owner, mode }: { readonly owner: string; readonly mode: string },
  { checks }: InstructionContext,
): boolean {
  if (!link) return false;
  if (mode !== '') {
    checks.flagWithoutEffect(`--link has no effect on ${keyword} with --chmod`);
    return false;
  }
  const names = owner.split(':').filter((name) => name !== '' && name !== 'root' && !/^\d+$/.test(name));
  if (names.length === 0) return true;
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot look up owner "${owner}": --link does not see the image`, {
    hint: 'Give the numbers of the user and the group, or leave --link out.',
    source,
    details: { word: owner },
  });
}

function checkMode(mode: string, { source }: CopyInstruction): void {
  if (parseModeChange(mode) !== undefined) return;
  const state = /^[0-9]/.test(mode) ? 'it is not an octal number up to 7777' : 'it is neither octal nor symbolic';
  throw new TsbuildError('DOCKERFILE_SEMANTICS', `cannot set mode "${mode}": ${state}`, {
    hint: 'Give an octal mode, such as --chmod=755, or a symbolic one, such as --chmod=u=rwX,go=rX.',
    source,
    details: { word: mode },
  });
}
