import { baseName, childPath, parentPath } from '../../support/byte-path.js';
import { textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { readElf, type ElfFile, type ElfReading } from './elf.js';
import type { HostFiles, Location } from './host-files.js';
import { isMuslLoader, libraryDirectories, libTokens, type LibraryDirectories } from './library-directories.js';

/** A file that a program needs to start. */
export interface LibraryFile {
  readonly location: Location;
  /** Where the image needs a symbolic link to it, since its loader would not look where it is; `null` for nowhere. */
  readonly linkAt: ByteString | null;
}

/** An object of a process as the loader sees it: what it needs is looked for where it and its requesters say. */
interface LoadedObject {
  readonly path: ByteString;
  readonly elf: ElfFile;
  readonly requester: LoadedObject | null;
}

interface Program {
  readonly interpreter: ByteString;
  readonly directories: LibraryDirectories;
}

/** glibc loads these by name at run time (nsswitch.conf); since 2.34 they are part of libc itself. */
const NAME_SERVICE_LIBRARIES = ['libnss_files.so.2', 'libnss_dns.so.2'] as ByteString[];
/** musl, ldso/dynlink.c: names that its loader answers itself, whatever files there are. */
const INSIDE_MUSL = /^lib(c|pthread|rt|m|dl|util|xnet)\./;

/** Finds what the dynamic loader would load, by reading files: `ldd` would run the program it is asked about. */
export class SharedLibraries {
  readonly #host: HostFiles;
  readonly #readings = new Map<ByteString, ElfReading>();
  readonly #directories = new Map<string, LibraryDirectories>();

  constructor(host: HostFiles) {
    this.#host = host;
  }

  readElf(file: Location): ElfReading {
    const known = this.#readings.get(file.path);
    if (known !== undefined) return known;
    const reading = readElf((offset, length) => this.#host.readAt(file.path, offset, length));
    this.#readings.set(file.path, reading);
    return reading;
  }

  /** The loader of a program, and the closure of its libraries. @throws `USAGE` when one is missing */
  closureOf(program: Location, elf: ElfFile): readonly LibraryFile[] {
    if (elf.interpreter === null) return [];
    const loader = this.#host.locate(elf.interpreter);
    if (loader?.kind !== 'file') throw missing(program.path, elf.interpreter);
    const directories = this.#directoriesOf(elf, elf.interpreter);
    const context: Program = { interpreter: elf.interpreter, directories };
    const found = new Map<ByteString, LibraryFile>([[baseName(elf.interpreter), { location: loader, linkAt: null }]]);
    this.#load({ path: program.path, elf, requester: null }, context, found);
    const configuration = directories.loaderFile === null ? undefined : this.#host.locate(directories.loaderFile);
    const files = [...found.values()];
    return configuration === undefined ? files : [...files, { location: configuration, linkAt: null }];
  }

  #load(root: LoadedObject, program: Program, found: Map<ByteString, LibraryFile>): void {
    const queue = [root];
    const isMusl = isMuslLoader(program.interpreter);
    // Breadth first, as the loader: of two libraries with one name, the first asked for is the one loaded.
    for (const object of queue) {
      const optional = !isMusl && object === root ? NAME_SERVICE_LIBRARIES : [];
      for (const name of [...object.elf.needed, ...optional]) {
        if (found.has(name)) continue;
        const library = this.#find(name, object, program);
        if (library !== undefined) {
          found.set(name, library.file);
          queue.push({ path: library.path, elf: library.elf, requester: object });
        } else if (!optional.includes(name) && !(isMusl && INSIDE_MUSL.test(name))) {
          throw missing(root.path, name);
        }
      }
    }
  }

  #find(
    name: ByteString,
    requester: LoadedObject,
    { interpreter, directories }: Program,
  ): { readonly path: ByteString; readonly elf: ElfFile; readonly file: LibraryFile } | undefined {
    if (name.includes('/')) return name.startsWith('/') ? this.#open(name, requester, null) : undefined;
    const said = isMuslLoader(interpreter) ? muslSearchPath(requester) : glibcSearchPath(requester);
    for (const directory of said) {
      const library = this.#open(childPath(directory, name), requester, null);
      if (library !== undefined) return library;
    }
    for (const directory of [...directories.configured, ...directories.builtIn]) {
      const linkAt = this.#linkDirectory(directory, directories);
      const library = this.#open(childPath(directory, name), requester, linkAt && childPath(linkAt, name));
      if (library !== undefined) return library;
    }
    return undefined;
  }

  /** As the loader: a file that is no library for this machine is passed over. */
  #open(
    path: ByteString,
    requester: LoadedObject,
    linkAt: ByteString | null,
  ): { readonly path: ByteString; readonly elf: ElfFile; readonly file: LibraryFile } | undefined {
    const location = this.#host.locate(path);
    if (location?.kind !== 'file') return undefined;
    const elf = this.readElf(location);
    if (elf.kind !== 'elf' || elf.machine !== requester.elf.machine) return undefined;
    return { path, elf, file: { location, linkAt } };
  }

  /** The built-in directory that must lead to a library of `directory`; `null` when the loader looks there by itself. */
  #linkDirectory(directory: ByteString, { builtIn }: LibraryDirectories): ByteString | null {
    const place = this.#host.locate(directory)?.path;
    const known = builtIn.map((path) => this.#host.locate(path)?.path).filter((path) => path !== undefined);
    return place === undefined || known.includes(place) ? null : (known[0] ?? null);
  }

  #directoriesOf(elf: ElfFile, interpreter: ByteString): LibraryDirectories {
    const key = `${elf.machine} ${interpreter}`;
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const made = libraryDirectories(this.#host, elf.machine, interpreter);
    this.#directories.set(key, made);
    return made;
  }
}

/** ld.so(8): DT_RUNPATH is for the object's own needs; DT_RPATH, where no DT_RUNPATH is, for those below it too. */
function glibcSearchPath(object: LoadedObject): readonly ByteString[] {
  if (object.elf.runpath !== null) return expand(object.elf.runpath, object);
  return requestersOf(object).flatMap((link) => (link.elf.runpath === null ? expand(link.elf.rpath, link) : []));
}

/** musl inherits both. */
function muslSearchPath(object: LoadedObject): readonly ByteString[] {
  return requestersOf(object).flatMap((link) => expand(link.elf.runpath ?? link.elf.rpath, link));
}

function requestersOf(object: LoadedObject): readonly LoadedObject[] {
  const chain: LoadedObject[] = [];
  for (let link: LoadedObject | null = object; link !== null; link = link.requester) chain.push(link);
  return chain;
}

/** Dynamic string tokens (ld.so(8)). A relative directory would depend on where the program is started: passed over. */
function expand(directories: readonly ByteString[], object: LoadedObject): readonly ByteString[] {
  const origin = `/${parentPath(object.path).replace(/^\//, '')}`;
  const platform = object.elf.machine === 'arm64' ? 'aarch64' : 'x86_64';
  const expanded = directories.flatMap((directory) => {
    const text = directory
      .replace(/\$(ORIGIN\b|\{ORIGIN\})/g, () => origin)
      .replace(/\$(PLATFORM\b|\{PLATFORM\})/g, () => platform);
    return libTokens(object.elf.machine).map((lib) => text.replace(/\$(LIB\b|\{LIB\})/g, () => lib));
  });
  return [...new Set(expanded)].filter((directory) => directory.startsWith('/')) as ByteString[];
}

function missing(program: ByteString, library: ByteString): TsbuildError {
  const [programText, libraryText] = [textOfBytes(program), textOfBytes(library)];
  return new TsbuildError(
    'USAGE',
    `cannot include program "/${programText}": its library "${libraryText}" is missing`,
    {
      hint: 'Install the library on this host where its loader finds it, or leave the program out.',
      details: { program: programText, library: libraryText },
    },
  );
}
