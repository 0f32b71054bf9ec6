import { baseName, childPath } from '../../support/byte-path.js';
import { bytesOfText, textOfBytes, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import type { HostFiles, Location } from './host-files.js';
import type { ImageFiles } from './image-files.js';
import type { SharedLibraries } from './shared-libraries.js';

/** A program by the path it was found at, which may lead through symbolic links to `location`. */
export interface FoundProgram {
  readonly path: ByteString;
  readonly location: Location;
}

/** execve(2) follows a script to its interpreter at most this often. */
const MAX_SCRIPT_DEPTH = 4;
/** BINPRM_BUF_SIZE of Linux: what the kernel reads of a script. */
const SCRIPT_HEAD_BYTES = 256;

/** Puts programs into an image, with all that they need to start. */
export class Programs {
  readonly #host: HostFiles;
  readonly #libraries: SharedLibraries;
  readonly #image: ImageFiles;
  readonly #added = new Set<ByteString>();

  constructor(host: HostFiles, libraries: SharedLibraries, image: ImageFiles) {
    this.#host = host;
    this.#libraries = libraries;
    this.#image = image;
  }

  /** The first executable file of that name in the directories. */
  find(name: ByteString, directories: readonly ByteString[]): FoundProgram | undefined {
    for (const directory of directories) {
      const found = this.at(childPath(directory, name));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  at(path: ByteString): FoundProgram | undefined {
    const location = this.#host.locate(path);
    return location?.kind === 'file' && location.executable ? { path, location } : undefined;
  }

  /**
   * Adds a program: its libraries when it is an ELF file, its interpreter when it is a script, which is looked for in
   * `directories` when the script leaves that to env(1).
   */
  add(program: FoundProgram, directories: readonly ByteString[]): void {
    this.#addAtDepth(program, directories, 0);
  }

  #addAtDepth({ location }: FoundProgram, directories: readonly ByteString[], depth: number): void {
    // Names that lead to one file differ in the links on the way: those are needed each time, the rest once.
    this.#image.addFromHost(location);
    if (this.#added.has(location.path)) return;
    this.#added.add(location.path);
    const elf = this.#libraries.readElf(location);
    if (elf.kind === 'elf') {
      for (const library of this.#libraries.closureOf(location, elf)) {
        this.#image.addFromHost(library.location);
        if (library.linkAt !== null) this.#image.addSymlink(library.linkAt, `/${library.location.path}` as ByteString);
      }
      return;
    }
    if (elf.kind === 'unusable') throw cannotInclude(location, elf.reason);
    if (depth === MAX_SCRIPT_DEPTH) throw cannotInclude(location, 'too many scripts run one another');
    for (const interpreter of this.#interpretersOf(location, directories)) {
      this.#addAtDepth(interpreter, directories, depth + 1);
    }
  }

  #interpretersOf(script: Location, directories: readonly ByteString[]): readonly FoundProgram[] {
    const head = this.#host.readAt(script.path, 0, SCRIPT_HEAD_BYTES).toString('latin1');
    const [path, ...words] = (/^#![ \t]*([^\n]*)/.exec(head)?.[1] ?? '').trim().split(/[ \t]+/) as ByteString[];
    if (!path?.startsWith('/')) throw cannotInclude(script, 'neither an ELF file nor a script');
    const interpreter = this.at(path);
    if (interpreter === undefined) throw cannotInclude(script, `its interpreter "${textOfBytes(path)}" is missing`);
    if (baseName(path) !== 'env') return [interpreter];
    const named = words.find((word) => !word.startsWith('-') && !word.includes('='));
    if (named === undefined) return [interpreter];
    const started = named.startsWith('/') ? this.at(named) : this.find(named, directories);
    if (started === undefined) throw cannotInclude(script, `its interpreter "${textOfBytes(named)}" is missing`);
    return [interpreter, started];
  }
}

function cannotInclude(location: Location, state: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot include program "/${textOfBytes(location.path)}": ${state}`, {
    hint: 'Include programs that run on this host: ELF files for 64-bit x86 or Arm, and scripts with their interpreter.',
  });
}

/** What a user names: a program's name, or its absolute path. @throws `USAGE` */
export function programName(text: string): ByteString {
  const isPath = text.includes('/');
  if (text === '' || text.includes('\0') || (isPath && !text.startsWith('/'))) {
    throw new TsbuildError('USAGE', `cannot include program "${text}": neither a name nor an absolute path`, {
      hint: 'Give the name of a program that your PATH finds, or its absolute path.',
    });
  }
  return bytesOfText(text);
}
