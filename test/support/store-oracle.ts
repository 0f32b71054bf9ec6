import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** As ARCHITECTURE.md numbers them. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I7' | 'I9' | 'I10';

export interface Violation {
  readonly invariant: Invariant;
  /** Below the store's root. */
  readonly path: string;
  readonly what: string;
}

export interface OracleOptions {
  /**
   * What is asked of the store beside what holds at any moment. `settled`: a process has stored something since the last one
   * died, and none is at work, so nothing unfinished is left (I7).
   */
  readonly settled?: boolean;
  /** Snapshots may be incomplete, as after a power failure: they are then absent to readers (I4), and no violation of I3. */
  readonly torn?: boolean;
}

/**
 * What is wrong with a store on disk, by its invariants; nothing for a sound one. It trusts no code of the product: files are
 * read as they lie there, so it can be asked at any moment after a crash, before anything opens the store again.
 */
export function storeViolations(root: string, options: OracleOptions = {}): readonly Violation[] {
  const found: Violation[] = [];
  const report: Report = (invariant, path, what) => found.push({ invariant, path, what });
  if (lookAt(root) === undefined) return found;
  // A process may have died while it made the store: then there is no version yet, and so no store.
  if (lookAt(join(root, 'version')) === undefined) return found;
  checkVersion(root, report);
  checkBlobs(root, report);
  checkIndex(root, report);
  checkRecords(root, report);
  checkSnapshots(root, { report, torn: options.torn ?? false });
  checkOwnFiles(root, report);
  if (options.settled === true) checkSettled(root, report);
  return found;
}

/** @throws an error that lists every violation */
export function expectSoundStore(root: string, options: OracleOptions = {}): void {
  const found = storeViolations(root, options).map(({ invariant, path, what }) => `${invariant} ${path}: ${what}`);
  if (found.length > 0) throw new Error(`the store "${root}" is not sound:\n${found.join('\n')}`);
}

type Report = (invariant: Invariant, path: string, what: string) => void;
type Json = Readonly<Record<string, unknown>>;
const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

function checkVersion(root: string, report: Report): void {
  const version = readFileSync(join(root, 'version'), 'utf8');
  if (!/^[1-9][0-9]*\n$/.test(version)) report('I10', 'version', `it is "${version}"`);
  const layout = parse(readFileSync(join(root, 'oci-layout'), 'utf8'));
  if (layout?.['imageLayoutVersion'] !== '1.0.0') report('I10', 'oci-layout', 'it is no OCI image layout');
}

/** I1: every name below `blobs/` is the digest of what it names. */
function checkBlobs(root: string, report: Report): void {
  for (const algorithm of namesIn(join(root, 'blobs'))) {
    const length = HEX_LENGTH[algorithm];
    if (length === undefined) report('I1', `blobs/${algorithm}`, 'no such algorithm');
    for (const name of namesIn(join(root, 'blobs', algorithm))) {
      const path = `blobs/${algorithm}/${name}`;
      const file = join(root, path);
      if (name.length !== length || !/^[0-9a-f]+$/.test(name)) report('I1', path, 'its name is no digest');
      else if (lookAt(file)?.isFile() !== true) report('I1', path, 'it is no file');
      else if (hexOf(algorithm, file) !== name) report('I1', path, 'its content has another digest');
    }
  }
}

/** I2: all that a name reaches is there. */
function checkIndex(root: string, report: Report): void {
  const index = parse(readFileSync(join(root, 'index.json'), 'utf8'));
  const entries: unknown = index?.['manifests'];
  if (!Array.isArray(entries)) {
    report('I2', 'index.json', 'it is no OCI index');
    return;
  }
  const names = new Set<unknown>();
  for (const value of entries as unknown[]) {
    const entry = value as Json;
    const annotations = (entry['annotations'] ?? {}) as Json;
    const name = annotations['io.containerd.image.name'];
    if (name !== undefined && names.has(name)) report('I2', 'index.json', `"${String(name)}" is there twice`);
    names.add(name);
    // A whole index is promised by this annotation alone: of one that another tool names, parts may be missing.
    const whole = annotations['dev.tsbuild.image.chosen'] !== undefined;
    checkReached(root, { descriptor: entry, whole, from: `index.json (${String(name ?? 'unnamed')})`, report });
  }
}

interface Reach {
  readonly descriptor: Json;
  readonly whole: boolean;
  readonly from: string;
  readonly report: Report;
}

function checkReached(root: string, { descriptor, whole, from, report }: Reach): void {
  const path = blobPath(descriptor['digest']);
  const file = path === undefined ? undefined : lookAt(join(root, path));
  if (path === undefined || file?.isFile() !== true || file.size !== descriptor['size']) {
    report('I2', from, `it reaches ${String(descriptor['digest'])}, which is not there as it should`);
    return;
  }
  const mediaType = String(descriptor['mediaType']);
  if (!/manifest|index/.test(mediaType)) return;
  const document = parse(readFileSync(join(root, path), 'utf8'));
  if (document === undefined) return;
  const parts: readonly unknown[] = [document['config'] ?? [], document['layers'] ?? []].flat();
  for (const part of parts) checkReached(root, { descriptor: part as Json, whole, from: path, report });
  for (const part of (document['manifests'] ?? []) as readonly Json[]) {
    const partPath = blobPath(part['digest']);
    if (!whole && (partPath === undefined || lookAt(join(root, partPath)) === undefined)) continue;
    checkReached(root, { descriptor: part, whole, from: path, report });
  }
}

/** I2 for cache records: the blobs they promise. What cannot be parsed is absent (I4), and need only be no link and no folder. */
function checkRecords(root: string, report: Report): void {
  for (const kind of namesIn(join(root, 'records'))) {
    for (const name of namesIn(join(root, 'records', kind))) {
      const path = `records/${kind}/${name}`;
      if (lookAt(join(root, path))?.isFile() !== true) report('I4', path, 'it is no file');
      else if (name.endsWith('.json')) checkRecord(root, { kind, path, report });
      else if (!name.endsWith('.unfinished')) report('I9', path, 'nobody writes such a file');
    }
  }
}

function checkRecord(
  root: string,
  of: { readonly kind: string; readonly path: string; readonly report: Report },
): void {
  const record = parse(readFileSync(join(root, of.path), 'utf8'));
  if (record === undefined || ['build', 'context', 'dockerfile', 'verified'].includes(of.kind)) return;
  const layer = record['layer'] as Json | undefined;
  const promised = (of.kind === 'step' ? layer?.['descriptor'] : record) as Json | undefined;
  const digest = promised?.['digest'];
  const path = blobPath(digest);
  const file = path === undefined ? undefined : lookAt(join(root, path));
  if (file === undefined || file.size !== promised?.['size']) {
    of.report('I2', of.path, `it reaches ${String(digest)}, which is not there as it should`);
  }
}

/** I3: a snapshot that can be seen is whole. What it stands on may be missing: then it is absent. */
function checkSnapshots(root: string, { report, torn }: { readonly report: Report; readonly torn: boolean }): void {
  for (const mapping of namesIn(join(root, 'snapshots'))) {
    for (const kind of namesIn(join(root, 'snapshots', mapping))) {
      for (const name of namesIn(join(root, 'snapshots', mapping, kind))) {
        const path = `snapshots/${mapping}/${kind}/${name}`;
        if (!/^[0-9a-f]{64}$/.test(name)) report('I3', path, 'its name is no chain id');
        else if (!torn) checkSnapshot(root, path, report);
      }
    }
  }
}

function checkSnapshot(root: string, path: string, report: Report): void {
  const meta =
    lookAt(join(root, path, 'meta.json'))?.isFile() === true ? readFileSync(join(root, path, 'meta.json')) : '';
  const { parent, owners, image, tar } = parse(meta.toString('utf8')) ?? {};
  if (typeof owners !== 'object' || (parent !== null && blobPath(parent) === undefined)) {
    report('I3', path, 'it has no meta.json');
  }
  if (image !== undefined || tar !== undefined) {
    const name = tar === undefined ? 'layer.erofs' : 'layer.tar';
    if (lookAt(join(root, path, name))?.isFile() !== true) report('I3', path, `it has no ${name}`);
  } else if (lookAt(join(root, path, 'fs'))?.isDirectory() !== true) report('I3', path, 'it has no files');
}

/** I9: nothing of the store's own is a link to elsewhere, or for others to write. */
function checkOwnFiles(root: string, report: Report): void {
  const own = ['blobs', 'records', 'locks'];
  for (const name of namesIn(root)) {
    checkOwn(root, name, report);
    if (own.includes(name)) visit(root, name, report);
  }
}

function visit(root: string, directory: string, report: Report): void {
  for (const name of namesIn(join(root, directory))) {
    const path = `${directory}/${name}`;
    checkOwn(root, path, report);
    if (lookAt(join(root, path))?.isDirectory() === true) visit(root, path, report);
  }
}

function checkOwn(root: string, path: string, report: Report): void {
  const stat = lookAt(join(root, path));
  if (stat?.isSymbolicLink() === true) report('I9', path, 'it is a symbolic link');
  else if (stat !== undefined && (stat.mode & 0o022) !== 0) report('I9', path, 'others may write to it');
}

/** I7: no part of `tmp/` but what is kept on purpose. */
function checkSettled(root: string, report: Report): void {
  for (const name of namesIn(join(root, 'tmp'))) {
    if (name !== 'partial') report('I7', `tmp/${name}`, 'a process that is gone left it');
  }
}

function blobPath(digest: unknown): string | undefined {
  const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})$/.exec(String(digest)) ?? [];
  return algorithm === undefined || hex?.length !== HEX_LENGTH[algorithm] ? undefined : `blobs/${algorithm}/${hex}`;
}

function hexOf(algorithm: string, file: string): string {
  return createHash(algorithm).update(readFileSync(file)).digest('hex');
}

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Of a folder; nothing for what is missing or none. */
function namesIn(directory: string): readonly string[] {
  return lookAt(directory)?.isDirectory() === true ? readdirSync(directory).sort() : [];
}

function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
