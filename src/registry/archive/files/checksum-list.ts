import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isDigest, digestHex, type Digest } from '../../../oci/digest.js';
import { removeUnfinished, writeFileAtomic } from '../../../support/atomic-file.js';
import { systemErrorCode } from '../../../support/errors.js';

/** What `sha256sum -c` reads, in the folder of the files that it is about. */
export const CHECKSUM_FILE = 'SHA256SUMS';

/** Bytes. A line has some hundred. */
const LIMIT = 4 << 20;

export interface ChecksumLine {
  /** Of a file in the list's own folder. */
  readonly name: string;
  readonly digest: Digest;
}

/** The lines of sha256sum(1); what is none of them is passed over, as sha256sum does with a warning. */
export function parseChecksums(text: string): readonly ChecksumLine[] {
  return text.split('\n').flatMap(parseLine);
}

function parseLine(line: string): readonly ChecksumLine[] {
  const match = /^(\\?)([0-9a-fA-F]{64}) [ *](.+)$/s.exec(line);
  if (match === null) return [];
  const [, escaped, hex = '', name = ''] = match;
  const digest = `sha256:${hex.toLowerCase()}`;
  return isDigest(digest) ? [{ digest, name: escaped === '\\' ? unescapeName(name) : name }] : [];
}

/** GNU coreutils, "cksum output modes": a name with a backslash or a line break is escaped, and a backslash begins the line. */
export function formatChecksum({ name, digest }: ChecksumLine): string {
  const escaped = name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `${escaped === name ? '' : '\\'}${digestHex(digest)}  ${escaped}\n`;
}

function unescapeName(name: string): string {
  return name.replace(/\\([\\nr])/g, (_, letter: string) => (letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\'));
}

/** The list in a folder, as text; empty when there is none, or something else has its name. @throws system errors */
export async function readChecksums(folder: string): Promise<string> {
  try {
    const file = await open(join(folder, CHECKSUM_FILE), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      return status.isFile() && status.size <= LIMIT ? await file.readFile('utf8') : '';
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return '';
    throw error;
  }
}

/**
 * Puts lines into the list of a folder, in place of those that `replaces` says; all others stay as they are.
 * @throws system errors
 */
export async function updateChecksums(
  folder: string,
  lines: readonly ChecksumLine[],
  replaces: (name: string) => boolean,
): Promise<void> {
  const old = (await readChecksums(folder)).split('\n').filter((line) => line !== '');
  const kept = old.filter((line) => !parseLine(line).some(({ name }) => replaces(name)));
  const text = [...kept.map((line) => `${line}\n`), ...lines.map(formatChecksum)].join('');
  await removeUnfinished(folder, CHECKSUM_FILE);
  await writeFileAtomic(join(folder, CHECKSUM_FILE), text, { mode: 0o644 });
}
