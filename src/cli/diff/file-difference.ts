import type { ChangedFile, FileAspect } from '../../layers/compare/compare-files.js';
import type { TreeEntry } from '../../layers/tree.js';
import { fileNameText } from '../text/file-name.js';

export interface FileFacts {
  readonly type: TreeEntry['type'];
  /** Octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** Of a symbolic link, its text. */
  readonly link?: string | undefined;
  /** RFC 3339; where times count. */
  readonly time?: string | undefined;
}

export interface FileChange {
  /** From the root of the image on. */
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed';
  readonly aspects: readonly FileAspect[];
  readonly before?: FileFacts | undefined;
  readonly after?: FileFacts | undefined;
}

export interface FileSummary {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** Bytes of files. */
  readonly addedBytes: number;
  readonly removedBytes: number;
  /** By which changed files have grown; negative where they have shrunk. */
  readonly changedBytes: number;
}

export function fileChange({ path, before, after, aspects }: ChangedFile, times: boolean): FileChange {
  const [old, current] = [before, after].map((entry) => (entry === undefined ? undefined : factsOf(entry, times)));
  return {
    path: `/${fileNameText(path)}`,
    change: old === undefined ? 'added' : current === undefined ? 'removed' : 'changed',
    aspects,
    before: old,
    after: current,
  };
}

function factsOf({ type, mode, uid, gid, size, linkTarget, mtime }: TreeEntry, times: boolean): FileFacts {
  return {
    type,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    size,
    ...(linkTarget === undefined ? {} : { link: fileNameText(linkTarget) }),
    ...(times ? { time: timeText(mtime) } : {}),
  };
}

function timeText({ seconds, nanoseconds }: TreeEntry['mtime']): string {
  const date = new Date(seconds * 1000);
  // Beyond the year 275760 there are no dates in JavaScript.
  if (Number.isNaN(date.getTime())) return `@${seconds}`;
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}

export function summarize(files: readonly ChangedFile[]): FileSummary {
  const summary = { added: 0, changed: 0, removed: 0, addedBytes: 0, removedBytes: 0, changedBytes: 0 };
  for (const { before, after } of files) {
    const [was, is] = [before?.size ?? 0, after?.size ?? 0];
    if (before === undefined) {
      summary.added += 1;
      summary.addedBytes += is;
    } else if (after === undefined) {
      summary.removed += 1;
      summary.removedBytes += was;
    } else {
      summary.changed += 1;
      summary.changedBytes += is - was;
    }
  }
  return summary;
}
