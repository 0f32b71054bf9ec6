import type { BuildResult } from '../../builder/build-request.js';
import type { ParsedArguments } from '../argv.js';
import { buildMetadata } from './build-metadata.js';

export interface ResultFile {
  readonly path: string;
  readonly textOf: (built: BuildResult) => string;
}

/** Those that the options name. */
export function resultFiles(parsed: ParsedArguments): readonly ResultFile[] {
  const idFile = parsed.value('iidfile');
  const metadataFile = parsed.value('metadata-file');
  const digestFile = parsed.value('digest-file');
  return [
    ...(digestFile === undefined ? [] : [{ path: digestFile, textOf: digestOfImage }]),
    // Without an end of line, as Docker writes it.
    ...(idFile === undefined ? [] : [{ path: idFile, textOf: shownId }]),
    ...(metadataFile === undefined ? [] : [{ path: metadataFile, textOf: buildMetadata }]),
  ];
}

/** As the registry has it. */
function digestOfImage({ manifest, index, pushed = [] }: BuildResult): string {
  return (pushed[0] ?? index ?? manifest).digest;
}

/** What Docker gives as the id of what was built: of an image for several platforms, the digest of its index. */
export function shownId({ imageId, index }: BuildResult): string {
  return index?.digest ?? imageId;
}
