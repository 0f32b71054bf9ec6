import { fileChange, type FileChange, type FileSummary } from './file-difference.js';
import type { ComparedImage, ImageDifference } from './image-difference.js';
import type { ConfigChange } from './config-difference.js';
import type { LayerOf } from './layer-difference.js';
import type { PackageChange } from './package-lists.js';

/** Counts up when what programs rely on changes its meaning. */
const FORMAT_VERSION = 1;

/** What `--json` prints and templates are given. */
export interface DifferenceDocument {
  readonly version: number;
  readonly before: ComparedImage;
  readonly after: ComparedImage;
  readonly config?: readonly ConfigChange[] | undefined;
  readonly layers?: readonly LayerOf[] | undefined;
  readonly packages?: readonly PackageChange[] | undefined;
  readonly unreadPackages?: readonly string[] | undefined;
  readonly summary?: FileSummary | undefined;
}

export function differenceDocument({
  before,
  after,
  config,
  layers,
  packages,
  files,
}: ImageDifference): DifferenceDocument {
  const document = { version: FORMAT_VERSION, before, after, config, layers };
  return {
    ...document,
    packages: packages?.changes,
    unreadPackages: packages?.unread,
    summary: files?.summary,
  };
}

export function* changesOf({ files }: ImageDifference, times: boolean): Generator<FileChange, void, undefined> {
  for (const each of files?.changes ?? []) yield fileChange(each, times);
}

/** One object, its files last and one a line: a hundred thousand of them are never one text. */
export function* differenceJson(difference: ImageDifference, times: boolean): Generator<string, void, undefined> {
  const head = JSON.stringify(differenceDocument(difference));
  if (difference.files === undefined) {
    yield `${head}\n`;
    return;
  }
  yield `${head.slice(0, -1)},"files":[`;
  let separator = '\n';
  for (const change of changesOf(difference, times)) {
    yield `${separator}${JSON.stringify(change)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}
