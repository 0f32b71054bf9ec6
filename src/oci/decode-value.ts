import { isDigest, type Digest } from './digest.js';

/** Reads a value that is claimed to be a `T`, or throws a `ShapeError` that names its place in the document. */
export type Decode<T> = (value: unknown, path: string) => T;

/** A document that is not what it should be. Whoever knows the document's name turns it into a `DOCUMENT_INVALID`. */
export class ShapeError extends Error {
  override readonly name: string = 'ShapeError';
  /** `layers[2].size`; empty for the document itself. */
  readonly path: string;

  constructor(path: string, state: string) {
    super(path === '' ? `it ${state}` : `${path} ${state}`);
    this.path = path;
  }
}

/** A JSON object whose members are read by name. */
export interface JsonObject {
  readonly path: string;
  readonly members: Readonly<Record<string, unknown>>;
}

export function readJson(bytes: Uint8Array, limit: number): unknown {
  if (bytes.byteLength > limit) throw new ShapeError('', `has ${bytes.byteLength} bytes, and ${limit} are allowed`);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ShapeError('', 'is no JSON');
  }
}

export function objectOf(value: unknown, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, path, 'an object');
  return { path, members: value as Record<string, unknown> };
}

/** Whether the object itself has the member, and something in it: Go writes `null` for what is not there. */
export function has({ members }: JsonObject, name: string): boolean {
  return Object.hasOwn(members, name) && members[name] !== null;
}

export function required<T>(object: JsonObject, name: string, decode: Decode<T>): T {
  const path = memberPath(object, name);
  if (!has(object, name)) throw new ShapeError(path, 'is missing');
  return decode(object.members[name], path);
}

/** `undefined` when the member is missing or `null`. */
export function optional<T>(object: JsonObject, name: string, decode: Decode<T>): T | undefined {
  return has(object, name) ? decode(object.members[name], memberPath(object, name)) : undefined;
}

/** The members named that are there, each read by its decoder: what a record of optional members is made of. */
export function pick<T extends object>(
  object: JsonObject,
  decoders: { readonly [K in keyof T]: Decode<T[K]> },
): { readonly [K in keyof T]?: T[K] } {
  const found: { [K in keyof T]?: T[K] } = {};
  for (const name of Object.keys(decoders) as (keyof T & string)[]) {
    const value = optional(object, name, decoders[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

export function string(value: unknown, path: string): string {
  if (typeof value !== 'string') throw wrong(value, path, 'a string');
  return value;
}

export function digestText(value: unknown, path: string): Digest {
  const text = string(value, path);
  if (!isDigest(text)) throw new ShapeError(path, 'is no digest');
  return text;
}

export function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrong(value, path, 'true or false');
  return value;
}

/** A count: Go writes 64 bits, of which 53 arrive here unharmed. */
export function count(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw wrong(value, path, 'a whole number from 0 to 2^53 - 1');
  }
  return value;
}

/** Nanoseconds, which for durations of over 104 days pass 2^53: the nearest number will do. */
export function duration(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrong(value, path, 'a number of nanoseconds');
  return value;
}

export function arrayOf<T>(decode: Decode<T>): Decode<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(value, path, 'an array');
    return value.map((item: unknown, index) => decode(item, `${path}[${index}]`));
  };
}

/** A map with keys of the document's choice. Each becomes a property of its own, `__proto__` too. */
export function recordOf<T>(decode: Decode<T>): Decode<Readonly<Record<string, T>>> {
  return (value, path) => {
    const { members } = objectOf(value, path);
    return Object.fromEntries(
      Object.entries(members).map(([key, item]) => [key, decode(item, `${path}[${JSON.stringify(key)}]`)]),
    );
  };
}

/** A map used as a set, such as ExposedPorts: what its values hold means nothing. */
export const setOf: Decode<Readonly<Record<string, object>>> = recordOf(() => ({}));

function memberPath(object: JsonObject, name: string): string {
  return object.path === '' ? name : `${object.path}.${name}`;
}

function wrong(value: unknown, path: string, wanted: string): ShapeError {
  return new ShapeError(path, `is ${shown(value)}, wanted ${wanted}`);
}

function shown(value: unknown): string {
  if (value === null || ['number', 'boolean'].includes(typeof value)) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
