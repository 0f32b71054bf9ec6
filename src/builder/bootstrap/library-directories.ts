import { baseName, childPath, parentPath } from '../../support/byte-path.js';
import { bytesOfText, type ByteString } from '../../support/byte-string.js';
import type { Machine } from './elf.js';
import type { HostFiles } from './host-files.js';

/** Where a loader looks for libraries when nothing in the program says where. */
export interface LibraryDirectories {
  /** Known to the loader as it is: a library there is found in an image that has no loader configuration. */
  readonly builtIn: readonly ByteString[];
  /** From the host's loader configuration; searched first. */
  readonly configured: readonly ByteString[];
  /** Configuration that the loader itself reads, and so belongs into the image; `null` for none. */
  readonly loaderFile: ByteString | null;
}

const TRIPLET: Readonly<Record<Machine, string>> = { 'x86-64': 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const MUSL_ARCHITECTURE: Readonly<Record<Machine, string>> = { 'x86-64': 'x86_64', arm64: 'aarch64' };
const MAX_CONFIGURATION_BYTES = 1 << 20;
const MAX_INCLUDE_DEPTH = 8;

export function isMuslLoader(interpreter: ByteString): boolean {
  return baseName(interpreter).startsWith('ld-musl-');
}

/** What `$LIB` may stand for in a search path (ld.so(8)): it depends on how the distribution built its loader. */
export function libTokens(machine: Machine): readonly string[] {
  return [`lib/${TRIPLET[machine]}`, 'lib64', 'lib'];
}

export function libraryDirectories(host: HostFiles, machine: Machine, interpreter: ByteString): LibraryDirectories {
  return isMuslLoader(interpreter) ? muslDirectories(host, machine) : glibcDirectories(host, machine);
}

/** musl, ldso/dynlink.c: /etc/ld-musl-ARCH.path replaces the built-in list. */
function muslDirectories(host: HostFiles, machine: Machine): LibraryDirectories {
  const loaderFile = bytesOfText(`/etc/ld-musl-${MUSL_ARCHITECTURE[machine]}.path`);
  const text = readConfiguration(host, loaderFile);
  const builtIn = (text ?? '/lib:/usr/local/lib:/usr/lib').split(/[:\n]/).filter((line) => line.startsWith('/'));
  return { builtIn: builtIn as ByteString[], configured: [], loaderFile: text === undefined ? null : loaderFile };
}

/** ld.so(8). The loader reads a cache made from ld.so.conf; the configuration is read here, since the cache may be stale. */
function glibcDirectories(host: HostFiles, machine: Machine): LibraryDirectories {
  const builtIn = libTokens(machine).flatMap((lib) => [`/${lib}`, `/usr/${lib}`]);
  return {
    builtIn: builtIn.map(bytesOfText),
    configured: configuredDirectories(host, bytesOfText('/etc/ld.so.conf'), 0),
    loaderFile: null,
  };
}

function configuredDirectories(host: HostFiles, file: ByteString, depth: number): readonly ByteString[] {
  const text = depth > MAX_INCLUDE_DEPTH ? undefined : readConfiguration(host, file);
  const lines = (text ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim() as ByteString);
  return lines.flatMap((line) => {
    if (line.startsWith('/')) return [bytesOfText(line)];
    const [keyword, ...patterns] = line.split(/\s+/);
    if (keyword !== 'include') return [];
    return patterns
      .flatMap((pattern) => matching(host, absoluteFrom(file, pattern)))
      .flatMap((included) => configuredDirectories(host, included, depth + 1));
  });
}

function absoluteFrom(file: ByteString, pattern: string): ByteString {
  return (pattern.startsWith('/') ? pattern : `${parentPath(file)}/${pattern}`) as ByteString;
}

/** Files that a pattern names; wildcards are understood in its last component, where every distribution has them. */
function matching(host: HostFiles, pattern: ByteString): readonly ByteString[] {
  const escaped = baseName(pattern).replace(/[.+^${}()|\\]/g, '\\$&');
  const expression = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
  const directory = parentPath(pattern);
  return host
    .list(directory)
    .filter((name) => !name.startsWith('.') && expression.test(name))
    .map((name) => childPath(directory, name));
}

function readConfiguration(host: HostFiles, path: ByteString): string | undefined {
  const file = host.locate(path);
  if (file?.kind !== 'file' || file.size > MAX_CONFIGURATION_BYTES) return undefined;
  return host.readAt(file.path, 0, file.size).toString('latin1');
}
