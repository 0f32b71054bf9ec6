import { TsbuildError } from '../support/errors.js';
import { isDigest, type Digest } from './digest.js';

// The grammar is that of github.com/distribution/reference, with Docker's normalization on top:
//
//     reference   := name [ ":" tag ] [ "@" digest ]
//     name        := [ registry "/" ] path
//     registry    := host [ ":" port ]
//     host        := label *( "." label ) | "[" IPv6 "]"
//     path        := component *( "/" component )
//     component   := alphanumeric *( separator alphanumeric )
//     separator   := "." | "_" | "__" | 1*"-"
//     tag         := [A-Za-z0-9_] 0*127[A-Za-z0-9_.-]
//
// The first component is a registry only when it could be no Docker Hub user: it is "localhost", or has a ".", a ":" or an
// uppercase letter. Everything else is on docker.io, and a single component there is in "library/".

/** An image name. Made by `parseReference`, it is fully qualified; when it has both a tag and a digest, the digest decides. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

export type Repository = Pick<Reference, 'registry' | 'repository'>;

export const DOCKER_HUB = 'docker.io';
/** Docker Hub's registry does not answer at docker.io. */
export const DOCKER_HUB_HOST = 'registry-1.docker.io';
const OFFICIAL = 'library/';
const NAME_LIMIT = 255;

const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const IMAGE_ID = /^[a-f0-9]{64}$/;

/**
 * Reads a name as users write it (`debian`, `myid-yo/test:1`, `localhost:5000/x@sha256:…`). A default tag is not added.
 * @throws `REFERENCE_INVALID`, saying which rule the name breaks
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty', 'Give a name such as debian:12.');
  if (IMAGE_ID.test(text)) {
    throw invalid(
      text,
      'it is an image id, not a name',
      'Names may not be 64 hexadecimal digits; give the image a tag.',
    );
  }
  const { name, tag, digest } = splitReference(text);
  const { registry, repository } = splitName(text, name);
  checkRegistry(text, registry);
  checkRepository(text, repository);
  checkLength(text, { registry, repository });
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag: checkedTag(text, tag) }),
    ...(digest === undefined ? {} : { digest: checkedDigest(text, digest) }),
  };
}

/** Adds `latest` where there is neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** Fully qualified: `docker.io/library/debian:12`. `parseReference` gives the same reference back. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** As Docker shows it: `debian:12`, without the registry and the folder that are the defaults. `parseReference` gives it back. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + suffix(reference);
}

/** `docker.io/library/debian`: neither tag nor digest. */
export function repositoryName({ registry, repository }: Repository): string {
  return `${registry}/${repository}`;
}

export function sameRepository(a: Repository, b: Repository): boolean {
  return a.registry === b.registry && a.repository === b.repository;
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

function familiarRepository({ registry, repository }: Repository): string {
  if (registry !== DOCKER_HUB) return `${registry}/${repository}`;
  const official = repository.startsWith(OFFICIAL) ? repository.slice(OFFICIAL.length) : undefined;
  if (official !== undefined && !official.includes('/')) return official;
  // docker.io/foo.bar/x, shortened, would be read as the registry foo.bar.
  return looksLikeRegistry(firstComponent(repository)) ? `${registry}/${repository}` : repository;
}

interface Parts {
  readonly name: string;
  readonly tag?: string;
  readonly digest?: string;
}

function splitReference(text: string): Parts {
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  const colon = named.lastIndexOf(':');
  if (colon <= named.lastIndexOf('/')) return { name: named, ...digest };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1), ...digest };
}

function splitName(text: string, name: string): Repository {
  if (name.includes('://')) {
    throw invalid(text, 'it is a URL', `Leave out "${name.slice(0, name.indexOf('://') + 3)}".`);
  }
  const first = firstComponent(name);
  if (first === name || !looksLikeRegistry(first)) return onDockerHub(name);
  const rest = name.slice(first.length + 1);
  return first === DOCKER_HUB || first === 'index.docker.io'
    ? onDockerHub(rest)
    : { registry: first, repository: rest };
}

function onDockerHub(path: string): Repository {
  return { registry: DOCKER_HUB, repository: path.includes('/') || path === '' ? path : OFFICIAL + path };
}

function firstComponent(path: string): string {
  const slash = path.indexOf('/');
  return slash < 0 ? path : path.slice(0, slash);
}

function looksLikeRegistry(component: string): boolean {
  return component === 'localhost' || /[.:A-Z]/.test(component);
}

function checkRegistry(text: string, registry: string): void {
  if (REGISTRY.test(registry)) return;
  throw invalid(
    text,
    `"${shown(registry)}" is no registry host`,
    'A registry is a host name or an address in brackets, with :port if it needs one.',
  );
}

function checkRepository(text: string, repository: string): void {
  for (const component of repository.split('/')) {
    if (COMPONENT.test(component)) continue;
    if (component === '')
      throw invalid(text, 'a part of its path is empty', 'Put one slash between the parts of a name.');
    if (COMPONENT.test(component.toLowerCase())) {
      const lower = repository.toLowerCase();
      throw invalid(text, 'the repository has uppercase letters', `Repository names are lowercase: write "${lower}".`);
    }
    throw invalid(
      text,
      `"${shown(component)}" is no part of a repository name`,
      'Parts are lowercase letters and digits, with single dots, one or two underscores, or dashes between them.',
    );
  }
}

function checkLength(text: string, repository: Repository): void {
  const { length } = repositoryName(repository);
  if (length <= NAME_LIMIT) return;
  throw invalid(
    text,
    `its name has ${length} characters`,
    `Registries take at most ${NAME_LIMIT}: choose a shorter one.`,
  );
}

function checkedTag(text: string, tag: string): string {
  if (TAG.test(tag)) return tag;
  throw invalid(
    text,
    `"${shown(tag)}" is no tag`,
    'A tag has 1 to 128 letters, digits, dots, dashes and underscores, and starts with no dot or dash.',
  );
}

function checkedDigest(text: string, digest: string): Digest {
  if (isDigest(digest)) return digest;
  throw invalid(
    text,
    `"${shown(digest)}" is no digest`,
    'Give sha256: and 64 lowercase hexadecimal digits after the @.',
  );
}

function shown(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function invalid(text: string, state: string, hint: string): TsbuildError {
  return new TsbuildError('REFERENCE_INVALID', `cannot read image name "${shown(text)}": ${state}`, { hint });
}
