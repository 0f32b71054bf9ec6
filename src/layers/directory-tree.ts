import { bytesOfText } from '../support/byte-string.js';
import { createLayersTree } from './layers-tree.js';
import type { StatedTree } from './stated-tree.js';

/**
 * A folder of the host as a tree. Never follows a symbolic link below `root`, in no component of a path, and so never leaves it.
 * Methods throw system errors where files may not be read.
 * @param root absolute; may itself be reached through links
 */
export function createDirectoryTree(root: string): StatedTree {
  return createLayersTree({ layers: [{ directory: bytesOfText(root), owners: new Map() }], ownership: 'none' });
}
