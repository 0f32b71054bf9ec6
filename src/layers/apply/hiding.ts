import { statFile } from '../files/file-stat.js';
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { fsPath, type ByteString } from '../../support/byte-string.js';
import type { RootedDirectories } from '../../support/rooted-path.js';
import { makeNode, S_IFMT, setXattr } from '../../support/syscalls.js';
import { baseName, childPath, parentPath, ROOT } from '../../support/byte-path.js';

import { OPAQUE_VALUE } from '../directory-files.js';
import type { Tree } from '../tree.js';
import type { MergedDirectories } from './merged-directories.js';

/**
 * Makes the content of lower layers disappear, and never what this layer has, wherever in it the whiteouts stand (image-spec
 * layer.md: they "apply to lower/parent layers only"). Paths have their links resolved.
 */
export interface Hiding {
  hide(path: ByteString): void;
  hideAllBelow(directory: ByteString): void;
  /** The layer being applied has this path. */
  wrote(path: ByteString): void;
}

interface Place {
  readonly directories: RootedDirectories;
  readonly merged: MergedDirectories;
}

interface Overlay {
  readonly below: Tree;
  readonly opaqueXattr: ByteString;
}

export function createHiding(overlay: Overlay | null, place: Place): Hiding {
  return overlay === null ? new HidingByRemoval(place) : new HidingByOverlay(overlay, place);
}

/** In the upper directory of an overlay, by the marks that overlayfs reads. */
class HidingByOverlay implements Hiding {
  readonly #overlay: Overlay;
  readonly #place: Place;

  constructor(overlay: Overlay, place: Place) {
    this.#overlay = overlay;
    this.#place = place;
  }

  hide(path: ByteString): void {
    const { directories, merged } = this.#place;
    const host = directories.child(parentPath(path), baseName(path));
    const own = statFile(host);
    if (own?.isDirectory() === true) {
      merged.hideBelow(path);
      this.hideAllBelow(path);
    } else if (own === undefined && merged.below(path) !== undefined) {
      makeNode(host, S_IFMT.character, { major: 0, minor: 0 });
      merged.changed(path);
    }
  }

  hideAllBelow(directory: ByteString): void {
    // overlayfs merges the roots of its layers whatever they are marked with.
    if (directory === '') for (const name of this.#overlay.below.list(ROOT)) this.hide(name);
    else setXattr(this.#place.directories.self(directory), this.#overlay.opaqueXattr, OPAQUE_VALUE);
  }

  wrote(): void {
    // Only what this layer wrote is in the upper directory.
  }
}

/** In one directory with everything, by removal of what this layer did not write. */
class HidingByRemoval implements Hiding {
  readonly #place: Place;
  readonly #written = new Set<ByteString>();

  constructor(place: Place) {
    this.#place = place;
  }

  hide(path: ByteString): void {
    const { directories, merged } = this.#place;
    const host = directories.child(parentPath(path), baseName(path));
    const stat = statFile(host);
    if (stat === undefined) return;
    if (stat.isDirectory()) {
      this.hideAllBelow(path);
      // The handle of a directory that is gone must not be found again.
      merged.changed(path, 'directory');
      if (!this.#written.has(path)) rmdirIfEmpty(directories.child(parentPath(path), baseName(path)));
    } else if (!this.#written.has(path)) {
      unlinkSync(fsPath(host));
      merged.changed(path);
    }
  }

  hideAllBelow(directory: ByteString): void {
    const names = readdirSync(fsPath(this.#place.directories.self(directory)), 'latin1') as ByteString[];
    for (const name of names) this.hide(childPath(directory, name));
  }

  wrote(path: ByteString): void {
    this.#written.add(path);
  }
}

/** A directory of a lower layer stays when this layer has put something into it. */
function rmdirIfEmpty(path: ByteString): void {
  if (readdirSync(fsPath(path)).length === 0) rmdirSync(fsPath(path));
}
