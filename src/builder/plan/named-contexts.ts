import { formatPlatform, type Platform } from '../../oci/platform.js';
import { familiarName, parseReference, withDefaultTag } from '../../oci/reference.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { NamedContext } from '../build-request.js';
import { remoteOperation } from '../sources/remote-operation.js';
import { remoteSource } from '../sources/remote-source.js';
import type { NamedSource } from './file-source.js';

/** What every file of a named context behind a URL is called (dockerfile.md 1.7). */
const CONTEXT_FILE = 'context';

/**
 * What `--build-context` puts in the place of stages and images. A name is looked up as an image's: `docker.io/library/alpine:latest`
 * is `alpine`; one for the wanted platform (`alpine::linux/arm64`) comes before one for all. `scratch` and `context` stay what they are.
 */
export class NamedContexts {
  readonly #byName = new Map<string, NamedContext>();

  /** @throws `USAGE` for a name that no stage and no image can have */
  constructor(contexts: readonly NamedContext[]) {
    for (const context of contexts) {
      const [name = '', platform] = context.name.split('::');
      const key = nameKey(name);
      if (key === undefined) throw unusableName(context.name);
      this.#byName.set(platform === undefined ? key : `${key}::${platform}`, context);
    }
  }

  /** @throws `CONTEXT_INVALID` when what the context names makes no sense */
  find(name: string, platform: Platform): NamedSource | undefined {
    if (this.#byName.size === 0 || /^(?:scratch|context)$/i.test(name)) return undefined;
    const key = nameKey(name);
    if (key === undefined) return undefined;
    const found = this.#byName.get(`${key}::${formatPlatform(platform)}`) ?? this.#byName.get(key);
    return found === undefined ? undefined : sourceOf(found);
  }
}

function nameKey(name: string): string | undefined {
  try {
    return familiarName(withDefaultTag(parseReference(name))).replace(/:latest$/, '');
  } catch (error) {
    if (isTsbuildError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function sourceOf({ name, source }: NamedContext): NamedSource {
  switch (source.kind) {
    case 'directory':
      return { kind: 'context', name, label: `[context ${name}] load from client` };
    case 'build':
      return { kind: 'build', called: source.called };
    case 'image':
      return source.reference === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name: source.reference };
    case 'layout':
      return { kind: 'layout', layout: source };
    case 'remote': {
      const remote = remoteSource(source.address, { githubShorthand: true, code: 'CONTEXT_INVALID' });
      if (remote === undefined) throw unusable(name, source.address);
      const operation = remoteOperation(remote, {});
      const named = operation.kind === 'http' ? { ...operation, name: CONTEXT_FILE } : operation;
      return { kind: 'remote', operation: named, label: `[context ${name}] ${remote.shown}` };
    }
  }
}

function unusableName(name: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use build context "${name}": it is no name of a stage or an image`, {
    hint: 'Give it the name that FROM or --from has, as --build-context base=docker-image://alpine.',
  });
}

function unusable(name: string, address: string): TsbuildError {
  return new TsbuildError('CONTEXT_INVALID', `cannot use "${address}" as build context "${name}": it is no address`, {
    hint: 'Give a folder, docker-image://NAME, oci-layout://PATH, a URL or a git repository.',
  });
}
