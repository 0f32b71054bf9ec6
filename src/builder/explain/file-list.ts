import { createHash } from 'node:crypto';
import type { ByteString } from '../../support/byte-string.js';

const VERSION = 1;
/** Of a file's content, as much of a digest as tells one content from another. */
const WIDTH = 16;
/** Beyond these no list is kept: a step is then told to have other files, and not which. */
const MAX_FILES = 200_000;
const MAX_PATH_CHARACTERS = 16 << 20;
const NO_CONTENT = '0'.repeat(WIDTH * 2);

/** What of a file counts in the key of the step that takes it. */
export interface ListedFile {
  /** Words that are compared as a whole: type, permission bits, owner, device, and more. */
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Device number and extended attributes. */
  readonly more: string;
  /** Of a file the hash of its content, of a link its text. */
  readonly content: string;
}

interface EncodedList {
  readonly version: typeof VERSION;
  readonly paths: readonly string[];
  /** Each combination of all but the content. */
  readonly attributes: readonly (readonly string[])[];
  /** Of each path, which combination. */
  readonly attributesOf: readonly number[];
  /** Base64 of `WIDTH` bytes a path. */
  readonly contents: string;
}

/** The files that a step takes. */
export interface KeptFiles {
  /** Whether it has all of them. */
  readonly isWhole: boolean;
  /** For a record, JSON; `undefined` when the list has gone since. */
  encode(): Promise<unknown>;
  /** By path. */
  files(): Promise<ReadonlyMap<string, ListedFile> | undefined>;
}

/** Those of an earlier build, which nobody looked at one by one in this one. */
export class RememberedFiles implements KeptFiles {
  readonly isWhole = true;
  readonly #load: () => Promise<unknown>;

  /** @param load gives what `encode` gave */
  constructor(load: () => Promise<unknown>) {
    this.#load = load;
  }

  encode(): Promise<unknown> {
    return this.#load();
  }

  async files(): Promise<ReadonlyMap<string, ListedFile> | undefined> {
    return decodeFileList(await this.#load());
  }
}

/** In columns: there may be many thousands. */
export class FileList implements KeptFiles {
  readonly #paths: string[] = [];
  readonly #attributes = new Map<string, number>();
  readonly #attributesOf: number[] = [];
  readonly #contents: string[] = [];
  #characters = 0;
  #record: EncodedList | undefined;
  #lastAttributes = '';
  #lastNumber = -1;

  /** Whether it has all files that were added. */
  get isWhole(): boolean {
    return this.#paths.length <= MAX_FILES && this.#characters <= MAX_PATH_CHARACTERS;
  }

  get size(): number {
    return this.#paths.length;
  }

  /**
   * @param attributes as `type mode owner more`
   * @param content a link's text, or the hexadecimal hash of a file's content
   */
  add(path: ByteString, attributes: string, content: string): void {
    if (!this.isWhole) return;
    this.#record = undefined;
    this.#paths.push(path);
    this.#characters += path.length;
    this.#attributesOf.push(this.#numberOf(attributes));
    this.#contents.push(content);
  }

  encode(): Promise<unknown> {
    this.#record ??= this.#encoded();
    return Promise.resolve(this.#record);
  }

  files(): Promise<ReadonlyMap<string, ListedFile>> {
    return Promise.resolve(this.#listed());
  }

  #encoded(): EncodedList {
    const contents = Buffer.alloc(this.#paths.length * WIDTH);
    for (const [index, content] of this.#contents.entries()) contents.write(shortened(content), index * WIDTH, 'hex');
    return {
      version: VERSION,
      paths: this.#paths,
      attributes: [...this.#attributes.keys()].map(split),
      attributesOf: this.#attributesOf,
      contents: contents.toString('base64'),
    };
  }

  #listed(): Map<string, ListedFile> {
    const attributes = [...this.#attributes.keys()].map(split);
    return new Map(
      this.#paths.map((path, index) => {
        const content = shortened(this.#contents[index] ?? '');
        return [path, listed(attributes[this.#attributesOf[index] ?? -1], content)];
      }),
    );
  }

  #numberOf(attributes: string): number {
    // Files of a folder are alike.
    if (attributes === this.#lastAttributes) return this.#lastNumber;
    const number = this.#attributes.get(attributes) ?? this.#attributes.size;
    this.#attributes.set(attributes, number);
    [this.#lastAttributes, this.#lastNumber] = [attributes, number];
    return number;
  }
}

/** What `FileList.encode` has made; `undefined` for what is no such thing. */
export function decodeFileList(record: unknown): Map<string, ListedFile> | undefined {
  const given = (record ?? {}) as Partial<Record<keyof EncodedList, unknown>>;
  const { version, paths, attributes, contents } = given;
  const attributesOf: readonly unknown[] = Array.isArray(given.attributesOf) ? given.attributesOf : [];
  if (version !== VERSION || !isTexts(paths) || !Array.isArray(attributes) || !attributes.every(isTexts))
    return undefined;
  if (attributesOf.length !== paths.length) return undefined;
  const bytes = Buffer.from(typeof contents === 'string' ? contents : '', 'base64');
  if (bytes.length !== paths.length * WIDTH) return undefined;
  return new Map(
    paths.map((path, index) => {
      const content = bytes.toString('hex', index * WIDTH, (index + 1) * WIDTH);
      return [path, listed(attributes[Number(attributesOf[index])], content)];
    }),
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function listed(attributes: readonly string[] | undefined, content: string): ListedFile {
  const [type = '', mode = '', owner = '', more = ''] = attributes ?? [];
  return { type, mode, owner, more, content };
}

function split(attributes: string): readonly string[] {
  const [type = '', mode = '', owner = '', ...more] = attributes.split(' ');
  return [type, mode, owner, more.join(' ')];
}

function shortened(content: string): string {
  if (content === '') return NO_CONTENT;
  // What comes from a tree as a hash is one; the text of a link is not.
  if (/^[0-9a-f]{64}$/.test(content)) return content.slice(0, WIDTH * 2);
  return createHash('sha256')
    .update(content, 'latin1')
    .digest('hex')
    .slice(0, WIDTH * 2);
}
