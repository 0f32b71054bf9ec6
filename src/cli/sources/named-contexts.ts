import type { ContextSource, NamedContext } from '../../builder/build-request.js';
import { remoteSource } from '../../builder/sources/remote-source.js';
import { parseDigest } from '../../oci/digest.js';
import { TsbuildError } from '../../support/errors.js';
import { usageError } from '../argv.js';
import { contextDirectory, readIgnoreFile } from './context-files.js';

const BUILD = { command: 'tsbuild build' };

export interface ContextReading {
  readonly cwd: string;
  /** Whether the build is one of several, whose results can be used as `target:NAME`. */
  readonly ofSeveral: boolean;
}

/**
 * What `--build-context NAME=…` says; of two of one name the later counts.
 * @throws `USAGE`, `CONTEXT_INVALID` for a folder that is none
 */
export async function readNamedContexts(
  words: readonly string[],
  { cwd, ofSeveral }: ContextReading,
): Promise<readonly NamedContext[]> {
  const contexts = new Map<string, NamedContext>();
  for (const word of words) {
    const equals = word.indexOf('=');
    const [name, value] = [word.slice(0, Math.max(equals, 0)), word.slice(equals + 1)];
    if (name === '' || value === '') {
      const hint = 'Write NAME=PATH, NAME=docker-image://IMAGE, NAME=oci-layout://PATH or NAME=URL.';
      throw usageError(BUILD, `cannot use --build-context "${word}": it is not of the form NAME=PLACE`, hint);
    }
    contexts.set(name, { name, source: await sourceOf(name, value, { cwd, ofSeveral }) });
  }
  return [...contexts.values()];
}

async function sourceOf(name: string, value: string, { cwd, ofSeveral }: ContextReading): Promise<ContextSource> {
  const image = after('docker-image://', value);
  if (image !== undefined) return { kind: 'image', reference: image };
  const layout = after('oci-layout://', value);
  if (layout !== undefined) return layoutOf(layout, cwd);
  const build = after('target:', value);
  if (build !== undefined) {
    if (ofSeveral) return { kind: 'build', called: build };
    throw new TsbuildError(
      'USAGE',
      `cannot use "${value}" as build context "${name}": there are no other targets here`,
      {
        hint: 'It has a meaning within tsbuild bake only; name a stage of the Dockerfile instead.',
      },
    );
  }
  if (remoteSource(value, { githubShorthand: false, code: 'CONTEXT_INVALID' }) !== undefined) {
    return { kind: 'remote', address: value };
  }
  const directory = contextDirectory(value, cwd);
  return { kind: 'directory', directory, ignore: await readIgnoreFile(directory, undefined) };
}

/** `PATH[:TAG][@DIGEST]`, as docker buildx reads it. */
function layoutOf(text: string, cwd: string): ContextSource {
  const [rest = '', digest] = splitOnce(text, '@');
  const [path = '', tag = 'latest'] = splitOnce(rest, ':');
  const directory = contextDirectory(path, cwd);
  return { kind: 'layout', directory, tag, ...(digest === undefined ? {} : { digest: parseDigest(digest) }) };
}

function after(prefix: string, value: string): string | undefined {
  return value.startsWith(prefix) ? value.slice(prefix.length) : undefined;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
