import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SaveFilesOptions } from '../../toolchain/toolchain-types.js';
import { writeOutputFile } from '../../support/output-file.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { parseByteCount } from '../options/byte-count.js';
import type { Host } from '../host.js';
import { pour } from '../output-stream.js';
import { choose } from './choose.js';
import { compressionLevel } from './compression-level.js';
import { openToolchain } from './open-toolchain.js';
import { platformList } from './platform-list.js';
import { runTransfer } from './transfer-activity.js';

const SAVE = { command: 'tsbuild save' };

type Format = NonNullable<SaveFilesOptions['format']>;

/** podman's names, and those that docker buildx has for the same (`--output type=docker`). */
const FORMATS: Readonly<Record<string, Format>> = {
  'docker-archive': 'docker-archive',
  docker: 'docker-archive',
  'oci-archive': 'oci-archive',
  oci: 'oci-archive',
  'oci-dir': 'oci-dir',
};

/** The second is the name that docker buildx has for the first. */
const COMPRESSIONS = { none: 'none', uncompressed: 'none', gzip: 'gzip', zstd: 'zstd' } as const;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const output = parsed.value('output') ?? '-';
  const compress = choose(parsed.value('compress') ?? parsed.value('compression'), COMPRESSIONS, '--compress');
  const options = {
    platforms: platformList(parsed.list('platform')),
    compress,
    compressionLevel: levelFor(parsed, compress),
    since: parsed.list('since').map((text) => imageOrFile(text, host)),
    signal: host.signal,
  };
  const format = choose(parsed.value('format'), FORMATS, '--format') ?? 'docker-archive';
  const files = {
    splitBytes:
      parsed.value('split') === undefined ? undefined : parseByteCount(parsed.value('split') ?? '', '--split'),
    checksums: parsed.flag('checksum'),
  };
  if (output === '-') checkStandardOutput(format, files, host);
  if (format === 'oci-dir' && (files.splitBytes !== undefined || files.checksums)) {
    throw usageError(SAVE, 'cannot use --split or --checksum with --format "oci-dir": it is a folder, not a file');
  }
  const view = { title: 'Saving', quiet: parsed.flag('quiet'), progress: parsed.value('progress') };
  await runTransfer(host, view, async (progress) => {
    await using toolchain = await openToolchain(parsed, host);
    const given = { ...options, progress };
    if (format === 'oci-dir' || files.splitBytes !== undefined || files.checksums) {
      const path = resolve(host.cwd, output);
      await toolchain.saveFiles(parsed.positionals, { ...given, ...files, format, output: path });
      return;
    }
    const archive = await toolchain.save(parsed.positionals, { ...given, format });
    // Images may hold what others on the machine should not read; docker save does the same.
    if (output !== '-') await writeOutputFile(output, archive, { cwd: host.cwd, mode: 0o600, signal: host.signal });
    else await pour(archive, host.stdout, { what: 'the archive', signal: host.signal });
  });
}

function levelFor(parsed: ParsedArguments, compress: SaveFilesOptions['compress']): number | undefined {
  if (compress === 'gzip' || compress === 'zstd') return compressionLevel(parsed, compress, SAVE.command);
  if (parsed.value('compression-level') === undefined) return undefined;
  const advice = 'Say which with --compress gzip or --compress zstd.';
  throw usageError(SAVE, 'cannot use --compression-level: no compression is given', advice);
}

function checkStandardOutput(
  format: Format,
  { splitBytes, checksums }: { readonly splitBytes: number | undefined; readonly checksums: boolean },
  { stdout }: Host,
): void {
  if (format === 'oci-dir') throw usageError(SAVE, 'cannot write a layout: no folder is given', 'Name one with -o.');
  if (splitBytes !== undefined || checksums) {
    throw usageError(SAVE, 'cannot use --split or --checksum: no file is given', 'Name one with -o.');
  }
  if (stdout.isTTY !== true) return;
  const advice = 'Name a file with -o, or redirect standard output.';
  throw usageError(SAVE, 'cannot write the archive: standard output is a terminal', advice);
}

/** What is a path, or is there as a file or folder of an archive, is one; everything else is the name of an image. */
function imageOrFile(text: string, { cwd }: Host): string {
  const path = resolve(cwd, text);
  if (/^\.{0,2}\//.test(text)) return path;
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? path : text;
}
