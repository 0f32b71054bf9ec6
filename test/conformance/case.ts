import { createHash } from 'node:crypto';

/** One Dockerfile with all that a build of it needs, to be built by tsbuild and by BuildKit. */
export interface Case {
  /** `p074-slash-decides`: with the number of the pitfall that it shows, where there is one. Unique. */
  readonly name: string;
  readonly title: string;
  /** The file or folder that it stands in, which is also the name of the file of its goldens. */
  readonly group: string;
  /** Given to both builders, in Docker's spelling; `{name}` stands for a folder or a server beside the context. */
  readonly flags: readonly string[];
  /** Beside PATH and HOME, the environment of both builders. */
  readonly env: Readonly<Record<string, string>>;
  readonly expect: 'image' | 'failure';
  /** Why the results differ on purpose (ADR 4). That they do differ is tested. */
  readonly differs: string | undefined;
  /** Whether BuildKit's warnings are compared as well. */
  readonly checks: boolean;
  /** Whether it takes more than an ordinary user has: files that nobody may read, ids beyond the user's. */
  readonly needsRoot: boolean;
  readonly entries: readonly CaseEntry[];
}

/** Something in the build context, or in a folder beside it. */
export interface CaseEntry {
  /** The folder: `context`, or the name behind `@`. */
  readonly root: string;
  readonly path: string;
  readonly content: EntryContent;
  readonly mode: number;
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number };
}

export type EntryContent =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'hardlink'; readonly target: string }
  | { readonly kind: 'fifo' }
  | { readonly kind: 'archive'; readonly members: readonly ArchiveMember[] };

/** An entry of a tar in the context; owners are kept. */
export interface ArchiveMember extends Omit<CaseEntry, 'root' | 'content'> {
  readonly content: Exclude<EntryContent, { readonly kind: 'archive' }>;
  readonly uid: number;
  readonly gid: number;
}

/** Of all that a builder is given: a golden is of one text of its case. */
export function caseDigest({ flags, env, entries }: Case): string {
  const contents = entries.map(({ content, ...entry }) => ({
    ...entry,
    content: 'bytes' in content ? { ...content, bytes: Buffer.from(content.bytes).toString('base64') } : content,
  }));
  return createHash('sha256').update(JSON.stringify({ flags, env, contents })).digest('hex').slice(0, 12);
}

/** The words of a line, blanks in double quotes kept. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', ''));
}
