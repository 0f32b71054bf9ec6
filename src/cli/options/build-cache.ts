import { resolve } from 'node:path';
import type { CacheSource } from '../../builder/build-request.js';
import type { CacheTarget } from '../../toolchain/outputs/cache-target.js';
import { parseDigest } from '../../oci/digest.js';
import { parseReference } from '../../oci/reference.js';
import { parseGoBoolean } from '../../parser/go-boolean.js';
import type { ParsedArguments } from '../argv.js';
import { Attributes } from './attributes.js';
import type { Host } from '../host.js';

export interface ReadCaches {
  readonly from: readonly CacheSource[];
  readonly to: readonly CacheTarget[];
  /** Whether the image itself is to serve as a cache. */
  readonly inline: boolean;
}

/**
 * What `--cache-from` and `--cache-to` ask for, in docker buildx's spelling, and `--build-arg BUILDKIT_INLINE_CACHE=1`.
 * @throws `USAGE`, `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function readCaches(
  parsed: ParsedArguments,
  host: Host,
  { buildArgs }: { readonly buildArgs: Readonly<Record<string, string>> },
): ReadCaches {
  const to = parsed.list('cache-to').map((word) => readTarget(word, host));
  return {
    from: parsed.list('cache-from').map((word) => readSource(word, host)),
    to: to.flatMap((target) => (target === 'inline' ? [] : [target])),
    inline: to.includes('inline') || parseGoBoolean(buildArgs['BUILDKIT_INLINE_CACHE'] ?? '') === true,
  };
}

const ELSEWHERE = 'Use type=registry with ref=NAME, or type=local with a folder that the other machine gets.';
/** Services that docker buildx knows and tsbuild does not speak to. */
const UNSUPPORTED: readonly string[] = ['gha', 's3', 'azblob'];
/** What is so anyhow, and which docker buildx needs to be told. */
const ALWAYS: readonly string[] = ['image-manifest', 'oci-mediatypes'];

type Reader<T> = (attributes: Attributes, host: Host) => T;

function withRefusals<T>(readers: Readonly<Record<string, Reader<T>>>): Readonly<Record<string, Reader<T>>> {
  const refusing = UNSUPPORTED.map((type): [string, Reader<T>] => [
    type,
    (attributes) => {
      throw attributes.refused(`tsbuild does not speak to ${type}`, ELSEWHERE);
    },
  ]);
  return { ...readers, ...Object.fromEntries(refusing) };
}

const SOURCES = withRefusals<CacheSource>({
  registry: (attributes) => ({ kind: 'registry', reference: referenceOf(attributes) }),
  local: (attributes, host) => {
    const digest = attributes.take('digest');
    return {
      kind: 'local',
      directory: folderOf(attributes, 'src', host),
      tag: attributes.take('tag'),
      digest: digest === undefined ? undefined : parseDigest(digest),
    };
  },
});

const TARGETS = withRefusals<CacheTarget | 'inline'>({
  registry: (attributes) => ({ type: 'registry', reference: referenceOf(attributes), ...exported(attributes) }),
  local: (attributes, host) => ({
    type: 'local',
    directory: folderOf(attributes, 'dest', host),
    tag: attributes.take('tag') ?? 'latest',
    ...exported(attributes),
  }),
  inline: (attributes) => {
    // An image has the layers of its result, and no others.
    attributes.choice('mode', ['min'] as const);
    return 'inline';
  },
});

/** A word alone is a name, as docker build takes it. */
function readSource(word: string, host: Host): CacheSource {
  const attributes = new Attributes(word, { option: '--cache-from', alone: { type: 'registry', ref: word } });
  const { type, reader } = attributes.type(SOURCES);
  return finished(type, attributes, reader(attributes, host));
}

function readTarget(word: string, host: Host): CacheTarget | 'inline' {
  const alone: Record<string, string> = word === 'inline' ? { type: 'inline' } : { type: 'registry', ref: word };
  const attributes = new Attributes(word, { option: '--cache-to', alone });
  const { type, reader } = attributes.type(TARGETS);
  return finished(type, attributes, reader(attributes, host));
}

function finished<T>(type: string, attributes: Attributes, read: T): T {
  attributes.end(`type=${type} takes no KEY here`, { hint: 'See docs/cache.md for what each type takes.' });
  return read;
}

function exported(attributes: Attributes): Omit<Extract<CacheTarget, { type: 'local' }>, 'type' | 'directory' | 'tag'> {
  for (const key of ALWAYS) {
    if (attributes.truth(key) === false) {
      throw attributes.refused(`${key} cannot be false`, 'A cache is one OCI manifest, which every registry takes.');
    }
  }
  const compression = attributes.choice('compression', ['gzip', 'zstd', 'uncompressed'] as const);
  return {
    mode: attributes.choice('mode', ['min', 'max'] as const) ?? 'min',
    compression: compression === 'uncompressed' ? 'none' : compression,
    compressionLevel: levelOf(attributes, compression),
    force: attributes.truth('force-compression'),
    ...mountsOf(attributes),
    mustSucceed: attributes.truth('ignore-error') === false,
  };
}

/** `true`, or ids with commas between them; `cache-mounts` is the name that BuildKit's users ask for. */
function mountsOf(attributes: Attributes): Pick<CacheTarget, 'mounts'> {
  const [plain, long] = [attributes.take('mounts'), attributes.take('cache-mounts')];
  if (plain !== undefined && long !== undefined) {
    throw attributes.refused('mounts and cache-mounts are the same', 'Write mounts= only.');
  }
  const value = plain ?? long;
  if (value === undefined || value === 'false' || value === '0') return {};
  if (value === 'true' || value === '1' || value === '') return { mounts: 'all' };
  return { mounts: value.split(',').filter((id) => id !== '') };
}

function levelOf(attributes: Attributes, compression: string | undefined): number | undefined {
  const level = attributes.number('compression-level', compression === 'zstd' ? 22 : 9);
  if (level === 0 && compression === 'zstd') {
    throw attributes.refused('zstd has no level 0', 'Write compression-level=1 or more.');
  }
  return level;
}

function referenceOf(attributes: Attributes): string {
  const reference = attributes.take('ref') ?? '';
  if (reference === '')
    throw attributes.refused('it has no ref', 'Add ref=NAME, as ref=registry.example/team/app:cache.');
  parseReference(reference);
  return reference;
}

function folderOf(attributes: Attributes, key: 'src' | 'dest', { cwd }: Host): string {
  const folder = attributes.take(key) ?? '';
  if (folder === '') throw attributes.refused(`it has no ${key}`, `Add ${key}=FOLDER.`);
  return resolve(cwd, folder);
}
