import { resolve } from 'node:path';
import type { BuildOutput, ByteSink, SavedAs } from '../../toolchain/outputs/build-output.js';
import { annotationsAmong, type Annotations } from './annotations.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { Attributes } from './attributes.js';
import type { Host } from '../host.js';
import { pushedAs, readImageForm, type ImageForm } from './image-form.js';
import { pour } from '../output-stream.js';

const BUILD = { command: 'tsbuild build' };

export interface ReadOutputs {
  readonly outputs: readonly BuildOutput[];
  /** Further names of the image. */
  readonly names: readonly string[];
  readonly annotations: Annotations;
  readonly usesStandardOutput: boolean;
  /** Whether options say how layers are to be written, and none are. */
  readonly unusedForm: boolean;
  /** What `rewrite-timestamp` of each says, where it says something. */
  readonly rewrites: readonly boolean[];
}

/** What `-o`, `--push` and `--load` ask for, in docker buildx's spelling; nothing for an image in the store. @throws `USAGE` */
export function readOutputs(parsed: ParsedArguments, host: Host): ReadOutputs {
  const words = [
    ...parsed.list('output'),
    ...(parsed.flag('push') ? ['type=registry'] : []),
    ...(parsed.flag('load') ? ['type=docker'] : []),
  ];
  const form = readImageForm(parsed, BUILD.command, { names: ['compression', 'compression-format'], plain: true });
  const read = words.map((word) => {
    const one = readOutput(outputAttributes(word), host);
    return { ...one, output: inForm(one.output, form) };
  });
  const toStandardOutput = read.filter(({ output }) => 'to' in output && typeof output.to === 'function');
  if (toStandardOutput.length > 1) {
    throw usageError(BUILD, 'cannot use --output: two results go to standard output', 'Give one of them a file.');
  }
  return {
    outputs: read.map(({ output }) => output),
    names: read.flatMap(({ names }) => names),
    annotations: {
      annotations: Object.assign({}, ...read.map(({ annotations }) => annotations.annotations)) as Record<
        string,
        string
      >,
      placed: read.flatMap(({ annotations }) => annotations.placed),
    },
    usesStandardOutput: toStandardOutput.length > 0,
    unusedForm: saysForm(form) && !read.some(({ output }) => hasForm(output)),
    rewrites: read.flatMap(({ rewrite }) => (rewrite === undefined ? [] : [rewrite])),
  };
}

function saysForm({ compression, format, compressionLevel }: ImageForm): boolean {
  return compression !== undefined || format !== undefined || compressionLevel !== undefined;
}

function hasForm(output: BuildOutput): boolean {
  return output.type === 'archive' || output.type === 'layout' || ('push' in output && output.push !== undefined);
}

/** What an output says itself counts more. */
function inForm(output: BuildOutput, form: ImageForm): BuildOutput {
  if (output.type === 'archive' || output.type === 'layout') {
    const { compress, compressionLevel = form.compressionLevel } = output;
    return compress === undefined ? { ...output, compress: form.compression, compressionLevel } : output;
  }
  if (!('push' in output) || output.push === undefined) return output;
  const own = Object.entries(output.push).filter(([, value]) => value !== undefined);
  return { ...output, push: { ...pushedAs(form), ...Object.fromEntries(own) } };
}

interface ReadOutput {
  readonly output: BuildOutput;
  readonly names: readonly string[];
  readonly annotations: Annotations;
  readonly rewrite: boolean | undefined;
}

type Reader = (attributes: Attributes, host: Host) => BuildOutput;

const READERS: Readonly<Record<string, Reader>> = {
  image: imageOutput,
  registry: (attributes) => {
    if (attributes.truth('push') === false) {
      throw attributes.refused('type=registry is to push', 'Use type=image to keep the image here.');
    }
    return { type: 'registry', push: pushedWith(attributes) };
  },
  docker: (attributes, host) =>
    attributes.has('dest') ? archiveOutput(attributes, host, 'docker-archive') : { type: 'engine' },
  oci: (attributes, host) =>
    attributes.truth('tar') === false
      ? { type: 'layout', folder: folderOf(attributes, host), ...savedWith(attributes) }
      : archiveOutput(attributes, host, 'oci-archive'),
  tar: (attributes, host) => ({ type: 'tar', ...splitOf(attributes), to: sinkOf(attributes, host) }),
  local: (attributes, host) => ({ type: 'local', ...splitOf(attributes), folder: folderOf(attributes, host) }),
  cacheonly: () => ({ type: 'cacheonly' }),
};

function readOutput(attributes: Attributes, host: Host): ReadOutput {
  const { type, reader } = attributes.type(READERS);
  const names = (attributes.take('name') ?? '').split(',').filter((name) => name !== '');
  const annotations = annotationsAmong(attributes.keys(), (key) => attributes.take(key));
  const rewrite = OF_IMAGES.has(type) ? attributes.truth('rewrite-timestamp') : undefined;
  const output = reader(attributes, host);
  attributes.end(`type=${type} takes no KEY here`, {
    hint: 'See "Outputs" in docs/outputs.md for what each type takes.',
    passed: WITHOUT_EFFECT,
  });
  return { output, names, annotations, rewrite };
}

/** Whose layers have files with times; a folder and a tar of files have what the layers have. */
const OF_IMAGES: ReadonlySet<string> = new Set(['image', 'registry', 'docker', 'oci']);

function imageOutput(attributes: Attributes): BuildOutput {
  const push = attributes.truth('push') ?? false;
  const form = pushedWith(attributes);
  if (!push) {
    if (form.compression !== undefined || form.format !== undefined) {
      throw attributes.refused(
        'without push, layers stay as they are',
        'Add push=true, or leave the compression to "tsbuild push".',
      );
    }
    return { type: 'image' };
  }
  return { type: 'image', push: form };
}

function pushedWith(attributes: Attributes): Extract<BuildOutput, { type: 'registry' }>['push'] {
  const compression = attributes.choice('compression', ['gzip', 'zstd'] as const);
  const docker = attributes.truth('oci-mediatypes') === false;
  const compressionLevel = attributes.number('compression-level', compression === 'zstd' ? 22 : 9);
  const forceCompression = attributes.truth('force-compression');
  return { compression, compressionLevel, forceCompression, format: docker ? 'docker' : undefined };
}

function archiveOutput(attributes: Attributes, host: Host, format: 'docker-archive' | 'oci-archive'): BuildOutput {
  return { type: 'archive', format, to: sinkOf(attributes, host), ...savedWith(attributes) };
}

function savedWith(attributes: Attributes): SavedAs {
  const compression = attributes.choice('compression', ['uncompressed', 'gzip', 'zstd'] as const);
  const compressionLevel = attributes.number('compression-level', compression === 'zstd' ? 22 : 9);
  // All layers get it that have another anyhow.
  attributes.truth('force-compression');
  const compress = compression === 'uncompressed' ? 'none' : compression;
  return { compress, compressionLevel };
}

/** What builders write by themselves, or what would change nothing here. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['store', 'unpack', 'attestation-inline', 'dangling-name-prefix']);

/** A word alone is `type=local,dest=` it, and `-` is `type=tar,dest=-`. */
function outputAttributes(word: string): Attributes {
  const alone = { type: word === '-' ? 'tar' : 'local', dest: word };
  return new Attributes(word, { option: '--output', alone });
}

function splitOf(attributes: Attributes): { readonly platformSplit?: boolean } {
  const platformSplit = attributes.truth('platform-split');
  return platformSplit === undefined ? {} : { platformSplit };
}

function folderOf(attributes: Attributes, host: Host): string {
  const dest = attributes.take('dest') ?? '';
  if (dest === '') throw attributes.refused('it has no dest', 'Add dest=PATH.');
  if (dest === '-')
    throw attributes.refused('a folder cannot go to standard output', 'Add dest=FOLDER, or use type=tar.');
  return resolve(host.cwd, dest);
}

function sinkOf(attributes: Attributes, host: Host): string | ByteSink {
  const dest = attributes.take('dest') ?? '-';
  if (dest !== '-') return resolve(host.cwd, dest);
  if (host.stdout.isTTY === true) {
    throw attributes.refused('standard output is a terminal', 'Add dest=FILE, or redirect standard output.');
  }
  return async (content) => {
    await pour(content, host.stdout, { what: 'to standard output', signal: host.signal });
  };
}
