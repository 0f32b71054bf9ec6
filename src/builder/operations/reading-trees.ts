import { ContentElsewhereError } from '../../layers/index/content-elsewhere.js';

/** Whether root file systems that are not unpacked may be read by the indexes of their layers, or are unpacked. */
export type TreeReading = 'indexed' | 'unpacked';

/**
 * Reads root file systems by the indexes of their layers, where they are not unpacked; and once more unpacked, when it turns out
 * that content is needed which is in a compressed layer.
 * @param act what it did is done again
 */
export async function readingTrees<T>(act: (reading: TreeReading) => Promise<T>): Promise<T> {
  try {
    return await act('indexed');
  } catch (error) {
    if (!(error instanceof ContentElsewhereError)) throw error;
    return await act('unpacked');
  }
}
