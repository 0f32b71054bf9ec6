import { posix } from 'node:path';
import type { MountFlag, RunInstruction } from '../../../parser/instruction.js';
import { parseMount, type ParsedMount } from '../../../parser/instructions/run/parse-mount.js';
import { TsbuildError } from '../../../support/errors.js';
import type { VertexId } from '../../graph.js';
import type { RunMount } from '../../operation.js';
import type { FileSource } from '../file-source.js';
import type { InstructionContext } from '../instruction-context.js';

export interface PlannedMounts {
  readonly mounts: readonly RunMount[];
  /** What they take files from, each once: the inputs after the root file system. */
  readonly inputs: readonly VertexId[];
}

/** The mounts of a RUN, as BuildKit reads them. @throws `DOCKERFILE_SYNTAX`, `DOCKERFILE_SEMANTICS` */
export function planMounts(instruction: RunInstruction, context: InstructionContext): PlannedMounts {
  const inputs: VertexId[] = [];
  let agents = 0;
  const mounts = instruction.mounts.map((flag, index): RunMount => {
    const parsed = parseMount(flag, context.expand);
    context.checks.mountOptions(parsed.type, parsed.ignored);
    const from = context.mountSources[index];
    const place = { flag, context };
    const inputOf = (): number => inputNumber(inputs, vertexOf(from, place));
    switch (parsed.type) {
      case 'bind': {
        const { type, readonly } = parsed;
        return {
          type,
          target: absolute(parsed.target, place),
          input: inputOf(),
          path: sourcePath(parsed.path),
          readonly,
        };
      }
      case 'cache':
        return cacheMount(parsed, { place, input: from === undefined ? undefined : inputOf() });
      case 'tmpfs':
        return withoutIgnored({ ...parsed, target: absolute(parsed.target, place) });
      case 'secret': {
        const { target, ...secret } = parsed;
        return withoutIgnored({ ...secret, ...(target === undefined ? {} : { target: absolute(target, place) }) });
      }
      case 'ssh': {
        const target = absolute(parsed.target ?? `/run/buildkit/ssh_agent.${agents}`, place);
        agents += 1;
        return withoutIgnored({ ...parsed, target });
      }
    }
  });
  return { mounts, inputs };
}

interface Place {
  readonly flag: MountFlag;
  readonly context: InstructionContext;
}

function withoutIgnored<T extends { readonly ignored: unknown }>(mount: T): Omit<T, 'ignored'> {
  const { ignored: _, ...rest } = mount;
  return rest;
}

function cacheMount(
  mount: Extract<ParsedMount, { type: 'cache' }>,
  { place, input }: { readonly place: Place; readonly input: number | undefined },
): RunMount {
  const { ignored: _, from: __, path, ...cache } = mount;
  const below = sourcePath(path);
  if (input === undefined && below !== '') {
    throw mountError(
      place.flag,
      `"${path}" is in no source`,
      'Name with from= the stage or image that source is a path of.',
    );
  }
  const namespace = place.context.build.given.get('BUILDKIT_CACHE_MOUNT_NS') ?? '';
  return {
    ...cache,
    target: absolute(cache.target, place),
    id: `${namespace}/${cache.id}`,
    ...(input === undefined ? {} : { from: { input, path: below } }),
  };
}

function vertexOf(from: FileSource | undefined, { flag, context }: Place): VertexId {
  return from === undefined ? context.build.context() : context.build.rootfsOf(from, flag.source);
}

/** The root file system is number 0. */
function inputNumber(inputs: VertexId[], vertex: VertexId): number {
  const known = inputs.indexOf(vertex);
  return known === -1 ? inputs.push(vertex) : known + 1;
}

/** Below the working directory, unless it begins at the root. */
function absolute(target: string, { flag, context }: Place): string {
  const path = posix.resolve(context.draft.cwd, target);
  if (path !== '/') return path;
  throw mountError(flag, 'its target is the root', 'Name with target= a directory of the image to mount on.');
}

/** `..` stops at the root of the source. */
function sourcePath(path: string): string {
  return posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, '');
}

function mountError(flag: MountFlag, state: string, hint: string): TsbuildError {
  return new TsbuildError('DOCKERFILE_SEMANTICS', `cannot mount "${flag.text}": ${state}`, {
    hint,
    source: flag.source,
  });
}
