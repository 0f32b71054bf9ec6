import type { Entry } from './entry.js';

export type FieldKind = 'text' | 'truth' | 'list' | 'map' | 'entries';

interface FieldSpec {
  readonly kind: FieldKind;
  /** Of lists and entries: whether those of a target are added to the ones it inherits. */
  readonly adds?: true;
}

/** What each field of a target is (buildx docs/bake-reference.md). */
interface FieldKinds {
  readonly description: 'text';
  readonly inherits: 'list';
  readonly annotations: 'list';
  readonly attest: 'entries';
  readonly context: 'text';
  readonly contexts: 'map';
  readonly dockerfile: 'text';
  readonly 'dockerfile-inline': 'text';
  readonly args: 'map';
  readonly labels: 'map';
  readonly tags: 'list';
  readonly 'cache-from': 'entries';
  readonly 'cache-to': 'entries';
  readonly target: 'text';
  readonly secret: 'entries';
  readonly ssh: 'entries';
  readonly platforms: 'list';
  readonly output: 'entries';
  readonly pull: 'truth';
  readonly 'no-cache': 'truth';
  readonly network: 'text';
  readonly 'no-cache-filter': 'list';
  readonly 'shm-size': 'text';
  readonly ulimits: 'list';
  readonly resources: 'map';
  readonly call: 'text';
  readonly entitlements: 'list';
  readonly 'extra-hosts': 'map';
}

/** In the order in which they are printed. */
const FIELDS: { readonly [N in keyof FieldKinds]: FieldSpec & { readonly kind: FieldKinds[N] } } = {
  description: { kind: 'text' },
  inherits: { kind: 'list', adds: true },
  annotations: { kind: 'list', adds: true },
  attest: { kind: 'entries', adds: true },
  context: { kind: 'text' },
  contexts: { kind: 'map' },
  dockerfile: { kind: 'text' },
  'dockerfile-inline': { kind: 'text' },
  args: { kind: 'map' },
  labels: { kind: 'map' },
  tags: { kind: 'list' },
  'cache-from': { kind: 'entries', adds: true },
  'cache-to': { kind: 'entries' },
  target: { kind: 'text' },
  secret: { kind: 'entries', adds: true },
  ssh: { kind: 'entries', adds: true },
  platforms: { kind: 'list' },
  output: { kind: 'entries' },
  pull: { kind: 'truth' },
  'no-cache': { kind: 'truth' },
  network: { kind: 'text' },
  'no-cache-filter': { kind: 'list', adds: true },
  'shm-size': { kind: 'text' },
  ulimits: { kind: 'list', adds: true },
  resources: { kind: 'map' },
  call: { kind: 'text' },
  entitlements: { kind: 'list', adds: true },
  'extra-hosts': { kind: 'map' },
};

export type FieldName = keyof FieldKinds;
type OfKind<K extends FieldKind> = { [N in FieldName]: FieldKinds[N] extends K ? N : never }[FieldName];
export type TextField = OfKind<'text'>;
export type TruthField = OfKind<'truth'>;
export type ListField = OfKind<'list'>;
export type MapField = OfKind<'map'>;
export type EntryField = OfKind<'entries'>;

export const FIELD_NAMES: readonly FieldName[] = Object.keys(FIELDS) as FieldName[];

export function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}

export function specOf(name: FieldName): FieldSpec {
  return FIELDS[name];
}

export type FieldValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'truth'; readonly truth: boolean }
  | { readonly kind: 'list'; readonly list: readonly string[] }
  | { readonly kind: 'map'; readonly map: ReadonlyMap<string, string> }
  | { readonly kind: 'entries'; readonly entries: readonly Entry[] };

/** What is not there has not been set. */
export type Fields = ReadonlyMap<FieldName, FieldValue>;

export interface Target {
  readonly name: string;
  readonly fields: Fields;
}

export interface Group {
  readonly name: string;
  readonly description: string | undefined;
  readonly targets: readonly string[];
}

export function textOf({ fields }: Target, name: TextField): string | undefined {
  const value = fields.get(name);
  return value?.kind === 'text' ? value.text : undefined;
}

export function truthOf({ fields }: Target, name: TruthField): boolean | undefined {
  const value = fields.get(name);
  return value?.kind === 'truth' ? value.truth : undefined;
}

export function listOf({ fields }: Target, name: ListField): readonly string[] {
  const value = fields.get(name);
  return value?.kind === 'list' ? value.list : [];
}

export function mapOf({ fields }: Target, name: MapField): ReadonlyMap<string, string> {
  const value = fields.get(name);
  return value?.kind === 'map' ? value.map : new Map();
}

export function entriesOf({ fields }: Target, name: EntryField): readonly Entry[] {
  const value = fields.get(name);
  return value?.kind === 'entries' ? value.entries : [];
}
