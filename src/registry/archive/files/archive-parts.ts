import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Digest } from '../../../oci/digest.js';
import { archiveInvalid } from '../archive-error.js';
import { parseChecksums, readChecksums } from './checksum-list.js';

/** A file that holds an archive or a part of one, and what is known of it. */
export interface ArchiveFile {
  readonly path: string;
  /** As the list beside it says; `undefined` when it says nothing. */
  readonly digest: Digest | undefined;
}

/** `image.tar`, 2 → `image.tar.002`: parts in the order of their names are the archive again (`cat image.tar.*`). */
export function partName(archive: string, number: number): string {
  return `${archive}.${String(number).padStart(3, '0')}`;
}

interface Part {
  /** Of the whole archive. */
  readonly archive: string;
  readonly number: number;
}

export function parsePartName(name: string): Part | undefined {
  const match = /^(.+)\.(\d{3,6})$/.exec(name);
  return match === null ? undefined : { archive: match[1] ?? '', number: Number(match[2]) };
}

/**
 * The files that an archive is in: those given, or, when it is only the first part, that and all others beside it.
 * @throws `ARCHIVE_INVALID` when a part is missing; system errors
 */
export async function archiveFiles(paths: readonly string[]): Promise<readonly ArchiveFile[]> {
  const [first, second] = paths;
  const part = first === undefined || second !== undefined ? undefined : parsePartName(basename(first));
  if (first !== undefined && part?.number === 1) return await allParts(dirname(first), part.archive);
  return await Promise.all(
    paths.map(async (path) => ({ path, digest: (await listedIn(dirname(path))).get(basename(path)) })),
  );
}

async function allParts(folder: string, archive: string): Promise<readonly ArchiveFile[]> {
  const listed = await listedIn(folder);
  const present = new Set(await readdir(folder));
  const last = Math.max(...[...listed.keys(), ...present].map((name) => numberOf(name, archive)));
  const names = Array.from({ length: last }, (_, index) => partName(archive, index + 1));
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) {
    const which = missing.map((name) => `"${name}"`).join(', ');
    throw archiveInvalid(
      `${missing.length === 1 ? 'its part' : 'its parts'} ${which} ${missing.length === 1 ? 'is' : 'are'} missing`,
      {
        hint: 'Copy all parts into one folder, and what is left of other archives of that name out of it.',
      },
    );
  }
  return names.map((name) => ({ path: join(folder, name), digest: listed.get(name) }));
}

function numberOf(name: string, archive: string): number {
  const part = parsePartName(name);
  return part?.archive === archive && partName(archive, part.number) === name ? part.number : 0;
}

async function listedIn(folder: string): Promise<ReadonlyMap<string, Digest>> {
  return new Map(parseChecksums(await readChecksums(folder)).map(({ name, digest }) => [name, digest]));
}
