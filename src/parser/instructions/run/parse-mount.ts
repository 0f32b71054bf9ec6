import { posix } from 'node:path';
import { cleanPath } from '../../clean-path.js';
import type { MountFlag, Template } from '../../instruction.js';
import { readMountDraft, type MountDraft } from './mount-draft.js';
import { type MountKey, type MountPlace, mountError, mountFrom } from './mount-options.js';

interface MountBase {
  /** As given: a relative one is below the working directory, and an empty one is that directory. */
  readonly target: string;
  /** Options that are given and say nothing for this type. BuildKit passes over them: a warning is due. */
  readonly ignored: readonly MountKey[];
}

interface MountOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

export interface BindMount extends MountBase {
  readonly type: 'bind';
  /** A stage's name, a named context or an image, as written; absent: the build context. */
  readonly from?: string;
  /** Path in it; empty: all of it. */
  readonly path: string;
  /** Unless it is, writes are allowed and thrown away. */
  readonly readonly: boolean;
}

export interface CacheMount extends MountBase, MountOwner {
  readonly type: 'cache';
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  /** Whose files the cache begins with; absent: nobody's. */
  readonly from?: string;
  readonly path: string;
  readonly readonly: boolean;
}

export interface TmpfsMount extends MountBase {
  readonly type: 'tmpfs';
  readonly sizeBytes?: number;
  readonly readonly: boolean;
}

/** A file, an environment variable, or both. */
export interface SecretMount extends Omit<MountBase, 'target'>, MountOwner {
  readonly type: 'secret';
  readonly id: string;
  readonly target?: string;
  readonly env?: string;
  /** Otherwise a secret that is not given is not mounted. */
  readonly required: boolean;
}

export interface SshMount extends Omit<MountBase, 'target'>, MountOwner {
  readonly type: 'ssh';
  readonly id: string;
  /** Absent: `/run/buildkit/ssh_agent.N`, where N counts those of the RUN from 0. */
  readonly target?: string;
  readonly required: boolean;
}

/** One `--mount` with its variables expanded and what is usual for all that it leaves out. */
export type ParsedMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

/**
 * Reads the value of a `--mount`. The value of each option is expanded by itself, so that a comma in a variable separates
 * nothing; options take effect in their order, as in BuildKit (commands_runmount.go, parseMount).
 * @throws TsbuildError DOCKERFILE_SYNTAX, and what `expand` throws.
 */
export function parseMount(flag: MountFlag, expand: (template: Template) => string): ParsedMount {
  const draft = readMountDraft(flag, expand);
  const from = mountFrom(flag);
  refuseMisplaced(draft, { flag });
  switch (draft.type) {
    case 'bind':
      return { ...filesOf(draft, from), type: 'bind', readonly: draft.readonly ?? true, ignored: ignoredOf(draft) };
    case 'cache':
      return toCacheMount(draft, from);
    case 'tmpfs':
      return {
        type: 'tmpfs',
        target: draft.target,
        readonly: draft.readonly ?? false,
        ...(draft.size > 0 && { sizeBytes: draft.size }),
        ignored: ignoredOf(draft),
      };
    case 'secret':
      if (from !== undefined) throw mountError({ flag }, 'from is not for type secret', { hint: SECRET_HINT });
      return toSecretMount(draft, { flag });
    case 'ssh':
      return toSshMount(draft, { flag });
  }
}

function filesOf(
  { target, source }: MountDraft,
  from: string | undefined,
): { readonly target: string; readonly path: string; readonly from?: string } {
  return { target, path: source, ...(from !== undefined && { from }) };
}

/** The keys that mean something, by the type; those that are an error elsewhere are refused before. */
const OWNER_KEYS: readonly MountKey[] = ['uid', 'gid', 'mode'];
const MEANT: Readonly<Record<MountDraft['type'], readonly MountKey[]>> = {
  bind: ['type', 'target', 'source', 'from', 'readonly', 'readwrite'],
  cache: ['type', 'target', 'source', 'from', 'readonly', 'readwrite', 'id', 'sharing', ...OWNER_KEYS],
  tmpfs: ['type', 'target', 'readonly', 'readwrite', 'size'],
  // What is mounted is read-only anyway.
  secret: ['type', 'target', 'source', 'id', 'env', 'required', 'readonly', ...OWNER_KEYS],
  ssh: ['type', 'target', 'id', 'required', 'readonly', ...OWNER_KEYS],
};

function ignoredOf({ type, given }: MountDraft): readonly MountKey[] {
  return [...given].filter((key) => !MEANT[type].includes(key));
}

function refuseMisplaced({ type, sharing, owner }: MountDraft, place: MountPlace): void {
  const [key] = Object.keys(owner);
  if (key !== undefined && (type === 'bind' || type === 'tmpfs')) {
    throw mountError(place, `${key} is not for type ${type}`, {
      hint: 'The options uid, gid and mode are for types cache, secret and ssh.',
    });
  }
  if (sharing !== undefined && type !== 'cache') {
    throw mountError(place, `sharing is not for type ${type}`, { hint: 'Write type=cache, or leave it out.' });
  }
}

function toCacheMount(draft: MountDraft, from: string | undefined): CacheMount {
  return {
    ...filesOf(draft, from),
    ...{ uid: 0, gid: 0, mode: 0o755, ...draft.owner },
    type: 'cache',
    // Of the target as it is given: the same relative one in two working directories is one cache.
    id: draft.id === '' ? cleanPath(draft.target) : draft.id,
    sharing: draft.sharing ?? 'shared',
    readonly: draft.readonly ?? false,
    ignored: ignoredOf(draft),
  };
}

function toSecretMount(draft: MountDraft, place: MountPlace): SecretMount {
  refuseSecret(draft, place);
  const { target, env } = draft;
  const given = draft.source === '' ? draft.id : draft.source;
  const id = given === '' ? posix.basename(target) : given;
  const file = target === '' && env === undefined ? `/run/secrets/${posix.basename(id)}` : target;
  return {
    ...{ uid: 0, gid: 0, mode: 0o400, ...draft.owner },
    type: 'secret',
    id,
    ...(file !== '' && { target: file }),
    ...(env !== undefined && { env }),
    required: draft.required,
    ignored: ignoredOf(draft),
  };
}

const SECRET_HINT = 'Write type=secret,id=NAME, and target=/path or env=VARIABLE where it is to be found.';

function refuseSecret({ source, id, target, env }: MountDraft, place: MountPlace): void {
  const hint = SECRET_HINT;
  if (source !== '' && id !== '') {
    throw mountError(place, 'source and id are both given', { hint: 'They are the same: keep id.' });
  }
  if (source === '' && id === '' && target === '') throw mountError(place, 'it names no secret', { hint });
  if (env === '') throw mountError(place, 'env names no variable', { hint });
}

function toSshMount(draft: MountDraft, place: MountPlace): SshMount {
  if (draft.source !== '') {
    throw mountError(place, 'source is not for type ssh', {
      hint: 'Name the agent with id; it is "default" otherwise.',
    });
  }
  return {
    ...{ uid: 0, gid: 0, mode: 0o600, ...draft.owner },
    type: 'ssh',
    id: draft.id === '' ? 'default' : draft.id,
    ...(draft.target !== '' && { target: draft.target }),
    required: draft.required,
    ignored: ignoredOf(draft),
  };
}
