import { access } from 'node:fs/promises';
import { posix, resolve } from 'node:path';
import { parseByteSize } from '../../parser/instructions/values/byte-size.js';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import type { HostVolume } from '../../builder/build-request.js';
import type { BindMount, MemoryMount, Mount } from '../../sandbox/run-spec.js';
import { systemErrorCode, type TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

/** One option with its value, for messages. */
interface Given {
  readonly command?: string;
  readonly option: string;
  readonly word: string;
}

function refused({ command = 'tsbuild run', option, word }: Given, state: string, hint?: string): TsbuildError {
  return usageError({ command }, `cannot use --${option} "${word}": ${state}`, hint);
}

/** What `--volume`, `--mount` and `--tmpfs` mount, in Docker's spelling. @throws `USAGE` */
export async function readMounts(parsed: ParsedArguments, { cwd }: Pick<Host, 'cwd'>): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const word of parsed.list('volume')) mounts.push(await volume({ option: 'volume', word }, cwd));
  for (const word of parsed.list('mount')) mounts.push(await mount({ option: 'mount', word }, cwd));
  for (const word of parsed.list('tmpfs')) mounts.push(memory({ option: 'tmpfs', word }));
  return mounts;
}

/** What `--volume` mounts in all steps of a build. @throws `USAGE` */
export async function readVolumes(words: readonly string[], cwd: string): Promise<readonly HostVolume[]> {
  const volumes: HostVolume[] = [];
  for (const word of words) {
    const { path, target, readonly } = await volume({ command: 'tsbuild build', option: 'volume', word }, cwd);
    volumes.push({ source: `/${path}`, target, readonly });
  }
  return volumes;
}

const VOLUME_HINT =
  'Write -v HOST:CONTAINER or HOST:CONTAINER:ro, with a path of the host that begins with / or with a dot.';

async function volume(given: Given, cwd: string): Promise<BindMount> {
  const [source = '', target, options = '', ...more] = given.word.split(':');
  if (target === undefined)
    throw refused(given, 'there is nothing to keep: what a program writes is gone with it', VOLUME_HINT);
  if (more.length > 0) throw refused(given, 'it has more than three parts', VOLUME_HINT);
  if (!/^[./~]/.test(source)) throw refused(given, 'there are no named volumes', VOLUME_HINT);
  return await hostFiles(given, { source: resolve(cwd, source), target, readonly: isReadonly(given, options) });
}

/** Links are private and mounts recursive, whatever is said: those words change nothing. */
const USUAL_OPTIONS: ReadonlySet<string> = new Set(['', 'rw', 'rprivate', 'private', 'rbind']);

function isReadonly(given: Given, options: string): boolean {
  const words = options.split(',');
  const unknown = words.find((word) => word !== 'ro' && !USUAL_OPTIONS.has(word));
  if (unknown !== undefined) throw refused(given, `"${unknown}" is none of its options`, 'The options are ro and rw.');
  return words.includes('ro');
}

interface HostFiles {
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** A folder that is not there is not made: it would be nobody's wish. */
async function hostFiles(given: Given, { source, target, readonly }: HostFiles): Promise<BindMount> {
  try {
    await access(source);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw refused(given, code === 'ENOENT' ? `there is no "${source}"` : `"${source}" cannot be reached (${code})`);
  }
  const root = { kind: 'directory', path: '/' } as const;
  const path = source.replace(/^\/+/, '');
  return { type: 'bind', source: root, path, target: absolute(given, target), readonly, recursive: true };
}

function absolute(given: Given, target: string): string {
  const path = posix.normalize(target).replace(/(?<=.)\/+$/, '');
  if (path.startsWith('/') && path !== '/') return path;
  throw refused(given, `"${target}" is no place for a mount`, 'Give an absolute path below the root.');
}

const MOUNT_HINT = 'Write type=bind,source=PATH,target=PATH[,readonly] or type=tmpfs,target=PATH[,tmpfs-size=BYTES].';
const MOUNT_KEYS: Readonly<Record<string, string>> = {
  type: 'type',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  'tmpfs-size': 'size',
};

async function mount(given: Given, cwd: string): Promise<Mount> {
  const fields = mountFields(given);
  const { type = '', source = '', target = '', size } = fields;
  const readonly = truth(given, fields['readonly']);
  if (type === 'tmpfs' && source === '') {
    return { type: 'tmpfs', target: absolute(given, target), ...sizeOf(given, size), readonly };
  }
  if (type === 'bind' && source !== '' && size === undefined) {
    return await hostFiles(given, { source: resolve(cwd, source), target, readonly });
  }
  throw refused(
    given,
    type === 'volume' || type === '' ? 'there are no volumes' : 'it is not of that form',
    MOUNT_HINT,
  );
}

function mountFields(given: Given): Readonly<Record<string, string | undefined>> {
  const fields: Record<string, string> = {};
  for (const { text } of readCsvFields(given.word) ?? []) {
    const equals = text.indexOf('=');
    const name = equals === -1 ? text : text.slice(0, equals);
    const key = Object.hasOwn(MOUNT_KEYS, name) ? MOUNT_KEYS[name] : undefined;
    if (key === undefined) throw refused(given, `"${name}" is none of its options`, MOUNT_HINT);
    fields[key] = equals === -1 ? 'true' : text.slice(equals + 1);
  }
  return fields;
}

function truth(given: Given, word = 'false'): boolean {
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw refused(given, `"${word}" is neither true nor false`);
}

function sizeOf(given: Given, word: string | undefined): { readonly sizeBytes?: number } {
  if (word === undefined) return {};
  const sizeBytes = parseByteSize(word);
  if (sizeBytes === undefined || sizeBytes <= 0) throw refused(given, `"${word}" is no size`, 'Write it as 64m or 1g.');
  return { sizeBytes };
}

/** `PATH[:size=BYTES,ro]`. Of the other options of mount(8), those that are always so change nothing. */
const USUAL_MEMORY_OPTIONS: ReadonlySet<string> = new Set(['', 'rw', 'nosuid', 'nodev', 'exec', 'mode=1777']);

function memory(given: Given): MemoryMount {
  const [target = '', options = ''] = given.word.split(/:(.*)/s);
  let size: string | undefined;
  let readonly = false;
  for (const option of options.split(',')) {
    if (option.startsWith('size=')) size = option.slice(5);
    else if (option === 'ro') readonly = true;
    else if (!USUAL_MEMORY_OPTIONS.has(option)) {
      throw refused(given, `"${option}" is none of its options`, 'The options are size=BYTES, ro and rw.');
    }
  }
  return { type: 'tmpfs', target: absolute(given, target), ...sizeOf(given, size), readonly };
}
