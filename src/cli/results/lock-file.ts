import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { BuildRequest, BuildResult } from '../../builder/build-request.js';
import { NO_PINS, type LockRequest } from '../../builder/lock/pins.js';
import type { ProgressSink } from '../../builder/progress.js';
import { TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { readOptionalFile } from '../sources/context-files.js';
import type { Host } from '../host.js';

const BUILD = { command: 'tsbuild build' };
const NAME = 'tsbuild.lock';

/**
 * The lock file that a build honors, must hold to, or writes: the one that `--lock-file` names, else `tsbuild.lock` beside the
 * Dockerfile. `undefined` where there is none and nobody asks for one.
 * @throws `USAGE`; `CONFIG_INVALID` for a malformed one; `LOCK_OUTDATED` when `--frozen` finds none
 */
export async function readLock(
  parsed: ParsedArguments,
  host: Host,
  sources: Pick<BuildRequest, 'contextDirectory'>,
): Promise<LockRequest | undefined> {
  const mode = modeOf(parsed);
  const path = lockPath(parsed, host, sources);
  if (path === undefined) {
    if (mode === 'honor') return undefined;
    const state = 'the Dockerfile is in no folder here';
    throw usageError(
      BUILD,
      `cannot use --${mode === 'frozen' ? 'frozen' : 'lock'}: ${state}`,
      'Name the lock file with --lock-file.',
    );
  }
  const here = host.cwd.endsWith('/') ? host.cwd : `${host.cwd}/`;
  const name = path.startsWith(here) ? path.slice(here.length) : path;
  const text = await readOptionalFile(path, { shown: name, code: 'CONFIG_INVALID', what: 'lock file' });
  if (text !== undefined) {
    const { decodePins } = await import('../../builder/lock/lock-document.js');
    return { mode, name, pins: decodePins(text, name) };
  }
  if (mode === 'refresh') return { mode, name, pins: NO_PINS };
  if (mode === 'honor' && parsed.value('lock-file') === undefined) return undefined;
  throw new TsbuildError('LOCK_OUTDATED', `cannot read lock file "${name}": there is none`, {
    hint: 'Build with --lock to write it, and commit it.',
  });
}

function modeOf(parsed: ParsedArguments): LockRequest['mode'] {
  const [refresh, frozen] = [parsed.flag('lock'), parsed.flag('frozen')];
  if (refresh && frozen) {
    throw usageError(BUILD, 'cannot use --lock and --frozen together', 'One writes the file, the other keeps to it.');
  }
  if (refresh) return 'refresh';
  return frozen ? 'frozen' : 'honor';
}

/** Beside a Dockerfile that is a file of this host. */
function lockPath(
  parsed: ParsedArguments,
  { cwd }: Host,
  { contextDirectory }: Pick<BuildRequest, 'contextDirectory'>,
): string | undefined {
  const given = parsed.value('lock-file');
  if (given !== undefined) return resolve(cwd, given);
  const file = parsed.value('file');
  if (file === undefined) return contextDirectory === null ? undefined : join(contextDirectory, NAME);
  if (file === '-' || /^https?:\/\//.test(file) || (contextDirectory === null && !isAbsolute(file))) return undefined;
  return join(dirname(resolve(cwd, file)), NAME);
}

/** What a build with `--lock` has found, in the place of what the file had of the same sources. Written only if that is news. */
export async function writeLock(
  lock: LockRequest | undefined,
  { pins }: BuildResult,
  { cwd, progress }: { readonly cwd: string; readonly progress: ProgressSink },
): Promise<void> {
  if (lock?.mode !== 'refresh' || pins === undefined) return;
  const { encodePins } = await import('../../builder/lock/lock-document.js');
  const { mergedPins } = await import('../../builder/lock/pins.js');
  const { writeOutputFile } = await import('../../support/output-file.js');
  const [before, after] = [lock.pins, mergedPins(lock.pins, pins)].map(encodePins);
  const isNew = Object.values(lock.pins).every((entries) => Object.keys(entries as object).length === 0);
  if (before === after && !isNew) {
    progress({ type: 'notice', message: `${lock.name} is up to date` });
    return;
  }
  const [was, is] = [before, after].map((text = '') => new Set(text.split('\n').map((line) => line.replace(/,$/, ''))));
  const changed = [...(is ?? [])].filter((line) => line.startsWith('    ') && was?.has(line) !== true).length;
  await writeOutputFile(resolve(cwd, lock.name), bytesOf(after ?? ''), { cwd, mode: 0o644, brief: true });
  progress({ type: 'notice', message: `wrote ${lock.name}: ${changed} pinned anew` });
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(Buffer.from(text));
}
