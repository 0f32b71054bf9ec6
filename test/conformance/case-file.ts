import { splitWords, type ArchiveMember, type Case, type CaseEntry, type EntryContent } from './case.js';

/** Of everything that no case gives a time for: long before any run, and with a part of a second. */
const DEFAULT_TIME = { seconds: 1_000_000_000, nanoseconds: 123_456_789 };

const KEYS: ReadonlySet<string> = new Set(['flags', 'env', 'expect', 'differs', 'checks', 'needs']);

/**
 * Reads a file of cases; README.md has the format.
 * @throws Error that names the file and the line
 */
export function parseCases(text: string, group: string): readonly Case[] {
  const reader = new CaseReader(group);
  for (const [index, line] of text.replace(/\n$/, '').split('\n').entries()) {
    try {
      reader.line(line);
    } catch (error) {
      throw new Error(`${group}:${index + 1}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  return reader.finish();
}

interface OpenEntry extends ParsedHeader {
  readonly lines: string[];
}

interface OpenCase {
  readonly name: string;
  readonly title: string;
  readonly settings: Map<string, string>;
  readonly entries: OpenEntry[];
}

class CaseReader {
  readonly #group: string;
  readonly #cases: OpenCase[] = [];
  /** What the lines before the first case set holds for all. */
  readonly #defaults = new Map<string, string>();

  constructor(group: string) {
    this.#group = group;
  }

  line(line: string): void {
    const current = this.#cases.at(-1);
    const title = /^=== (\S+) \| (.+)$/.exec(line);
    if (title !== null) this.#begin(title[1] ?? '', title[2] ?? '');
    else if (line.startsWith('===')) throw new Error('a case begins with "=== name | title"');
    else if (current !== undefined && line.startsWith('--- ')) current.entries.push({ ...header(line), lines: [] });
    else if (current !== undefined && current.entries.length > 0) current.entries.at(-1)?.lines.push(line);
    else if (line !== '' && !line.startsWith('#')) this.#setting(line);
  }

  finish(): readonly Case[] {
    this.#endEntry();
    return this.#cases.map((open) => closed(open, this.#group));
  }

  #begin(name: string, title: string): void {
    if (this.#cases.some((other) => other.name === name)) throw new Error(`there are two cases "${name}"`);
    this.#endEntry();
    this.#cases.push({ name, title, settings: new Map(this.#defaults), entries: [] });
  }

  /** The empty line before the next case is none of the content. */
  #endEntry(): void {
    const lines = this.#cases.at(-1)?.entries.at(-1)?.lines;
    if (lines?.at(-1) === '') lines.pop();
  }

  #setting(line: string): void {
    const [, key = '', value = ''] = /^(\w+): (.+)$/.exec(line) ?? [];
    if (!KEYS.has(key)) throw new Error(`"${line}" is no setting (${[...KEYS].join(', ')})`);
    (this.#cases.at(-1)?.settings ?? this.#defaults).set(key, value);
  }
}

interface ParsedHeader {
  readonly path: string;
  readonly link: { readonly kind: 'symlink' | 'hardlink'; readonly target: string } | undefined;
  readonly words: ReadonlySet<string>;
}

/** `--- path [-> target | == target] [words]` */
function header(line: string): ParsedHeader {
  const [path = '', ...rest] = splitWords(line.slice(4));
  if (path === '') throw new Error('an entry needs a path');
  const kind = rest[0] === '->' ? 'symlink' : rest[0] === '==' ? 'hardlink' : undefined;
  if (kind === undefined) return { path, link: undefined, words: new Set(rest) };
  return { path, link: { kind, target: rest[1] ?? '' }, words: new Set(rest.slice(2)) };
}

function closed({ name, title, settings, entries }: OpenCase, group: string): Case {
  const expect = settings.get('expect') ?? 'image';
  if (expect !== 'image' && expect !== 'failure') throw new Error(`${group}: ${name}: expect is image or failure`);
  return {
    name,
    title,
    group,
    expect,
    flags: splitWords(settings.get('flags') ?? ''),
    env: Object.fromEntries(splitWords(settings.get('env') ?? '').map(assignment)),
    differs: settings.get('differs'),
    checks: settings.get('checks') === 'yes',
    needsRoot: settings.get('needs') === 'root',
    entries: closedEntries(entries),
  };
}

function assignment(word: string): [name: string, value: string] {
  const equals = word.indexOf('=');
  return [word.slice(0, equals), word.slice(equals + 1)];
}

/** `archive!member` are members of one archive, which stands where the first of them stands. */
function closedEntries(entries: readonly OpenEntry[]): readonly CaseEntry[] {
  const members = new Map<string, ArchiveMember[]>();
  const closedOnes: CaseEntry[] = [];
  for (const entry of entries) {
    const [path = '', member] = entry.path.split('!');
    const found = members.get(path);
    if (member === undefined) closedOnes.push(closedEntry(entry, entry.path));
    else if (found !== undefined) found.push(archiveMember(entry, member));
    else {
      const list = [archiveMember(entry, member)];
      members.set(path, list);
      closedOnes.push({
        ...rooted(path),
        mode: 0o644,
        mtime: DEFAULT_TIME,
        content: { kind: 'archive', members: list },
      });
    }
  }
  return closedOnes;
}

function archiveMember(entry: OpenEntry, path: string): ArchiveMember {
  const owner = [...entry.words].find((word) => /^\d+:\d+$/.test(word)) ?? '0:0';
  const [uid = 0, gid = 0] = owner.split(':').map(Number);
  return { ...attributesOf(entry), path: path.replace(/\/$/, ''), content: contentOf(entry, path), uid, gid };
}

function closedEntry(entry: OpenEntry, path: string): CaseEntry {
  return { ...rooted(path.replace(/\/$/, '')), ...attributesOf(entry), content: contentOf(entry, path) };
}

function rooted(path: string): { readonly root: string; readonly path: string } {
  const [, root, rest = ''] = /^@([\w-]+)(?:\/(.*))?$/.exec(path) ?? [];
  return root === undefined ? { root: 'context', path } : { root, path: rest };
}

function attributesOf({ words, path }: OpenEntry): Pick<CaseEntry, 'mode' | 'mtime'> {
  const mode = [...words].find((word) => /^0[0-7]+$/.test(word));
  const time = /^@(-?\d+)(?:\.(\d{9}))?$/.exec([...words].find((word) => word.startsWith('@')) ?? '');
  return {
    mode: mode === undefined ? (path.endsWith('/') ? 0o755 : 0o644) : Number.parseInt(mode, 8),
    mtime: time === null ? DEFAULT_TIME : { seconds: Number(time[1]), nanoseconds: Number(time[2] ?? 0) },
  };
}

function contentOf({ link, words, lines }: OpenEntry, path: string): Exclude<EntryContent, { kind: 'archive' }> {
  if (link !== undefined) return link;
  if (path.endsWith('/')) return { kind: 'directory' };
  if (words.has('fifo')) return { kind: 'fifo' };
  if (words.has('base64')) return { kind: 'file', bytes: Buffer.from(lines.join(''), 'base64') };
  const text = lines.map((line) => `${line}\n`).join('');
  const unended = words.has('unended') ? text.replace(/\n$/, '') : text;
  return { kind: 'file', bytes: Buffer.from(words.has('crlf') ? unended.replaceAll('\n', '\r\n') : unended) };
}
