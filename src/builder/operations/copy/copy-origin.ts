import type { Tree } from '../../../layers/tree.js';
import type { IgnorePattern } from '../../../parser/ignore-file.js';
import type { SelectionMemory } from './selection-memory.js';

/** What one source of a copy reads from. */
export interface CopyOrigin {
  readonly tree: Tree;
  /** `the build context`: for messages. */
  readonly description: string;
  /** The pattern of an ignore file that left a path out: for messages. */
  readonly ignoredBy: (path: string) => IgnorePattern | undefined;
  /**
   * Whose the files are. `kept`: those of a stage or an image are as they are there. `root`: those of this host, or of a network,
   * belong to root, and their extended attributes stay behind.
   */
  readonly ownership: 'root' | 'kept';
  /** Absent where files have to be looked at one by one. */
  readonly memory?: SelectionMemory | undefined;
}
