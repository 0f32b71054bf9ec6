import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Change } from '../../src/layers/change.js';
import { writeTar } from '../../src/layers/tar/write-tar.js';
import { bytesOfText } from '../../src/support/byte-string.js';
import { collectBytes, streamOf } from '../support/byte-source.js';
import type { ArchiveMember, Case, CaseEntry } from './case.js';

/**
 * The folder of the context, or of what stands beside it. No two cases have folders of one name: BuildKit takes a context of the
 * same name for a newer state of the same folder, and a file of the same size and time in it for the same file.
 */
export const rootPath = (folder: string, root: string): string => join(folder, `${root}-${basename(folder)}`);

/** Puts the context of a case and what stands beside it under `folder`. */
export async function writeCase({ entries }: Case, folder: string): Promise<void> {
  mkdirSync(rootPath(folder, 'context'), { recursive: true });
  for (const entry of entries) await writeEntry(entry, folder);
  // Last: what is written into a folder changes its time, and a mode may forbid more.
  for (const entry of entries.toReversed()) finishEntry(entry, join(rootPath(folder, entry.root), entry.path));
  const roots = new Set(['context', ...entries.map(({ root }) => root)]);
  for (const root of roots) utimesSync(rootPath(folder, root), ROOT_TIME, ROOT_TIME);
}

/** Seconds since 1970. */
const ROOT_TIME = 1_100_000_000;

async function writeEntry({ root, path, content }: CaseEntry, folder: string): Promise<void> {
  const target = join(rootPath(folder, root), path);
  mkdirSync(dirname(target), { recursive: true });
  switch (content.kind) {
    case 'file':
      writeFileSync(target, content.bytes);
      break;
    case 'directory':
      mkdirSync(target, { recursive: true });
      break;
    case 'symlink':
      symlinkSync(content.target, target);
      break;
    case 'hardlink':
      linkSync(join(rootPath(folder, root), content.target), target);
      break;
    case 'fifo':
      execFileSync('mkfifo', [target]);
      break;
    case 'archive':
      writeFileSync(target, await archive(path, content.members));
  }
}

function finishEntry({ content, mode, mtime }: CaseEntry, target: string): void {
  const seconds = mtime.seconds + mtime.nanoseconds / 1e9;
  if (content.kind === 'hardlink') return;
  if (content.kind === 'symlink') {
    lutimesSync(target, seconds, seconds);
    return;
  }
  chmodSync(target, mode);
  utimesSync(target, seconds, seconds);
}

async function archive(name: string, members: readonly ArchiveMember[]): Promise<Uint8Array> {
  const tar = await collectBytes(writeTar(streamOf(members.map(changeOf))));
  return /\.t?gz$/.test(name) ? gzipSync(tar) : tar;
}

function changeOf({ path, content, mode, mtime, uid, gid }: ArchiveMember): Change {
  const bytes = content.kind === 'file' ? content.bytes : new Uint8Array();
  const link = content.kind === 'symlink' || content.kind === 'hardlink' ? bytesOfText(content.target) : undefined;
  const entry = {
    path: bytesOfText(path),
    type: content.kind,
    mode: content.kind === 'symlink' ? 0o777 : mode,
    uid,
    gid,
    size: bytes.length,
    // Archives are mostly made with whole seconds.
    mtime: { seconds: mtime.seconds, nanoseconds: 0 },
    ...(link === undefined ? {} : { linkTarget: link }),
    xattrs: new Map(),
  };
  return { kind: 'upsert', entry, ...(content.kind === 'file' ? { open: () => [bytes] } : {}) };
}
