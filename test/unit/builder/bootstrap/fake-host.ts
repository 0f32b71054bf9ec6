import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BASE_PROGRAMS } from '../../../../src/builder/bootstrap/base-programs.js';
import { bootstrapChanges, type BootstrapOptions } from '../../../../src/builder/bootstrap/bootstrap-layer.js';

export interface ElfSpec {
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
}

const LOAD_ADDRESS = 0x400000;

/** A 64-bit little-endian ELF file with headers only: enough for whoever reads what it needs. */
export function elfFile(spec: ElfSpec = {}): Buffer {
  const tags: (readonly [number, string])[] = (spec.needed ?? []).map((name) => [1, name] as const);
  if (spec.rpath !== undefined) tags.push([15, spec.rpath]);
  if (spec.runpath !== undefined) tags.push([29, spec.runpath]);
  const isDynamic = tags.length > 0;
  const segments = 1 + (spec.interpreter === undefined ? 0 : 1) + (isDynamic ? 1 : 0);
  const interpreter = Buffer.from(spec.interpreter === undefined ? '' : `${spec.interpreter}\0`);
  const interpreterAt = 64 + segments * 56;
  const dynamicAt = interpreterAt + interpreter.length;
  const dynamic = Buffer.alloc(isDynamic ? (tags.length + 2) * 16 : 0);
  const stringsAt = dynamicAt + dynamic.length;
  let strings = '\0';
  tags.forEach(([tag, text], index) => {
    dynamic.writeBigUInt64LE(BigInt(tag), index * 16);
    dynamic.writeBigUInt64LE(BigInt(strings.length), index * 16 + 8);
    strings += `${text}\0`;
  });
  if (isDynamic) {
    dynamic.writeBigUInt64LE(5n, tags.length * 16);
    dynamic.writeBigUInt64LE(BigInt(LOAD_ADDRESS + stringsAt), tags.length * 16 + 8);
  }
  const total = stringsAt + strings.length;
  const table = [segmentHeader(1, 0, total)];
  if (spec.interpreter !== undefined) table.push(segmentHeader(3, interpreterAt, interpreter.length));
  if (isDynamic) table.push(segmentHeader(2, dynamicAt, dynamic.length));
  return Buffer.concat([
    fileHeader(spec.machine ?? 62, segments),
    ...table,
    interpreter,
    dynamic,
    Buffer.from(strings),
  ]);
}

function fileHeader(machine: number, segments: number): Buffer {
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(segments, 56);
  return header;
}

function segmentHeader(type: number, offset: number, length: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS + offset), 16);
  header.writeBigUInt64LE(BigInt(length), 32);
  return header;
}

/** A directory that is taken for a host's `/`: at first with one static program under all names of the base programs. */
export class FakeHost implements Disposable {
  readonly root: string;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'tsbuild-bootstrap-'));
    chmodSync(this.root, 0o755);
  }

  static busybox(): FakeHost {
    const host = new FakeHost();
    host.file('/bin/busybox', elfFile(), 0o755);
    for (const name of BASE_PROGRAMS.flatMap(({ names }) => names.split(' '))) host.link(`/bin/${name}`, 'busybox');
    return host;
  }

  file(path: string, content: string | Buffer, mode = 0o644): void {
    const file = this.path(path);
    writeFileSync(file, content);
    chmodSync(file, mode);
  }

  program(path: string, spec: ElfSpec): void {
    this.file(path, elfFile(spec), 0o755);
  }

  library(path: string, spec: ElfSpec = {}): void {
    this.file(path, elfFile(spec));
  }

  link(path: string, target: string): void {
    symlinkSync(target, this.path(path));
  }

  /** The real path, in a directory that exists. */
  path(path: string): string {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    return file;
  }

  /** What a bootstrap of this host makes: `path` or `path -> target` for links, and the mode in octal. */
  async listing(options: Partial<BootstrapOptions> = {}): Promise<Map<string, string>> {
    const listing = new Map<string, string>();
    const all = { include: [], searchPath: ['/usr/bin', '/bin'], root: this.root, ...options };
    for await (const change of bootstrapChanges(all)) {
      if (change.kind !== 'upsert') throw new Error(`unexpected ${change.kind}`);
      const { path, type, mode, linkTarget } = change.entry;
      listing.set(path, `${type} ${mode.toString(8)}${linkTarget === undefined ? '' : ` -> ${linkTarget}`}`);
    }
    return listing;
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
