import type { Change } from '../../layers/change.js';
import { baseName, parentPath } from '../../support/byte-path.js';
import { bytesOfText, type ByteString } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { BASE_PROGRAMS } from './base-programs.js';
import { IMAGE_PATH } from './bootstrap-image.js';
import { HostFiles } from './host-files.js';
import { ImageFiles } from './image-files.js';
import { programName, Programs, type FoundProgram } from './programs.js';
import { SharedLibraries } from './shared-libraries.js';
import { addCertificates, addMergedDirectories, addSkeleton } from './skeleton.js';

export interface BootstrapOptions {
  /** Programs to put in beside the base ones: names that `searchPath` finds, or absolute paths. Their order is of no account. */
  readonly include: readonly string[];
  /** Absolute directories, in order: the caller's PATH. */
  readonly searchPath: readonly string[];
  /** Absolute path of the directory that is taken as the host's `/`; absent: the host's own. */
  readonly root?: string;
}

/** Before the caller's PATH for the base programs, so that the same host gives the same image whoever asks. */
const SYSTEM_DIRECTORIES: readonly ByteString[] = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].map(bytesOfText);
/** Paths that scripts and Dockerfiles name in full. */
const FIXED_PATHS: readonly ByteString[] = ['/bin/sh', '/usr/bin/env'].map(bytesOfText);

/**
 * The one layer of a minimal base image, made of this host's own programs and the libraries they need: sorted, parents
 * before children, with owners, modes and times of its own, so that the same host gives the same bytes to every user.
 *
 * Nothing of the host is run. Everything is looked up before the first change comes.
 *
 * @throws `USAGE` for a program that is not there, lacks a library or may not be read
 */
export function bootstrapChanges(options: BootstrapOptions): AsyncIterable<Change> {
  return asynchronously(() => {
    const host = new HostFiles(options.root ?? '/');
    const image = new ImageFiles(host);
    const programs = new Programs(host, new SharedLibraries(host), image);
    addMergedDirectories(host, image);
    addBasePrograms(programs, image, options);
    addIncluded(programs, image, options);
    addCertificates(host, image);
    addSkeleton(image);
    return image.changes();
  });
}

function addBasePrograms(programs: Programs, image: ImageFiles, options: BootstrapOptions): void {
  const directories = [...SYSTEM_DIRECTORIES, ...absoluteDirectories(options.searchPath)];
  for (const { names, required } of BASE_PROGRAMS) {
    for (const name of names.split(' ')) {
      const found = programs.find(bytesOfText(name), directories);
      if (found === undefined && required) throw notFound(name, 'Install coreutils or busybox on this host.');
      if (found !== undefined) addCallable(programs, image, { found, directories });
    }
  }
  for (const path of FIXED_PATHS) {
    const there = programs.at(path);
    const found = there ?? programs.find(baseName(path), directories);
    if (there !== undefined) programs.add(there, directories);
    else if (found !== undefined) image.addSymlink(withoutSlash(path), found.path);
  }
}

function addIncluded(programs: Programs, image: ImageFiles, options: BootstrapOptions): void {
  const directories = [...absoluteDirectories(options.searchPath), ...SYSTEM_DIRECTORIES];
  for (const text of new Set(options.include)) {
    const name = programName(text);
    const isPath = name.startsWith('/');
    const found = isPath ? programs.at(name) : programs.find(name, directories);
    if (found === undefined) {
      throw notFound(text, 'Install it on this host, or give the absolute path of an executable file.');
    }
    if (isPath) programs.add(found, directories);
    else addCallable(programs, image, { found, directories });
  }
}

/** A program given by name must be found by name in the image too. */
function addCallable(
  programs: Programs,
  image: ImageFiles,
  { found, directories }: { readonly found: FoundProgram; readonly directories: readonly ByteString[] },
): void {
  programs.add(found, directories);
  if (IMAGE_PATH.split(':').includes(parentPath(found.path))) return;
  image.addSymlink(bytesOfText(`usr/local/bin/${baseName(found.path)}`), found.path);
}

function absoluteDirectories(searchPath: readonly string[]): readonly ByteString[] {
  return searchPath
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => bytesOfText(directory.replace(/(?<=.)\/+$/, '')));
}

function withoutSlash(path: ByteString): ByteString {
  return path.replace(/^\//, '') as ByteString;
}

function notFound(name: string, hint: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot include program "${name}": not found on this host`, {
    hint,
    details: { program: name },
  });
}

/** Starts at the first `next`; what `start` or an item throws rejects it. */
function asynchronously<T>(start: () => Iterator<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let items: Iterator<T> | undefined;
      return {
        next: () =>
          new Promise((resolve) => {
            items ??= start();
            resolve(items.next());
          }),
      };
    },
  };
}
