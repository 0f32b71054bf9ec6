import type { TreeEntry } from '../../../layers/tree.js';
import type { Digest } from '../../../oci/digest.js';
import type { ByteString } from '../../../support/byte-string.js';
import type { FileList, KeptFiles } from '../../explain/file-list.js';

/** All of a selection that can reach the image. */
export interface DigestedFiles {
  /** As `contentDigest` gives it. */
  readonly digest: Digest;
  readonly files: KeptFiles;
}

/** Looked at one by one. */
export interface ReadFiles extends DigestedFiles {
  readonly files: FileList;
}

export interface SelectedFile {
  readonly path: ByteString;
  readonly entry: Pick<TreeEntry, 'type'>;
}

/** Of a folder of this host: what selections of it were, so that one in which nothing changed is not looked at file by file. */
export interface SelectionMemory {
  /**
   * @param what names the selection: equal names select equally
   * @param read does it without memory
   */
  digest(what: string, selection: readonly SelectedFile[], read: () => ReadFiles): Promise<DigestedFiles>;
}
