import { compressionLevel } from '../commands/compression-level.js';
import { usageError, type ParsedArguments } from '../argv.js';

/** How layers and documents of an image that leaves the store are written. */
export interface ImageForm {
  /** Absent: as they are, and as gzip those that were built here. */
  readonly compression: 'none' | 'gzip' | 'zstd' | undefined;
  readonly compressionLevel: number | undefined;
  readonly forceCompression: true | undefined;
  /** Of the media types; absent: as they are. */
  readonly format: 'docker' | 'oci' | undefined;
}

const COMPRESSIONS = { gzip: 'gzip', zstd: 'zstd', uncompressed: 'none', none: 'none' } as const;

/** @param names of the options that say the compression, of which the last one given counts @throws `USAGE` */
export function readImageForm(
  parsed: ParsedArguments,
  command: string,
  { names = ['compression'], plain = false }: { readonly names?: readonly string[]; readonly plain?: boolean } = {},
): ImageForm {
  const compression = readCompression(parsed, command, { names, plain });
  const format = choice(parsed, 'format', { values: { docker: 'docker', oci: 'oci' } as const, command });
  const forceCompression = parsed.flag('force-compression') ? true : undefined;
  if (compression === undefined && forceCompression === true) {
    throw usageError(
      { command },
      'cannot use --force-compression: no compression is given',
      'Say which with --compression.',
    );
  }
  if (compression === 'zstd' && format === 'docker') {
    const state = "cannot use --compression zstd together with --format docker: Docker's format has no zstd";
    throw usageError({ command }, state);
  }
  const level = compressionLevel(parsed, compression === 'zstd' ? 'zstd' : 'gzip', command);
  return { compression, compressionLevel: level, forceCompression, format };
}

function readCompression(
  parsed: ParsedArguments,
  command: string,
  { names, plain }: { readonly names: readonly string[]; readonly plain: boolean },
): ImageForm['compression'] {
  const { gzip, zstd } = COMPRESSIONS;
  const values: Readonly<Record<string, 'none' | 'gzip' | 'zstd'>> = plain ? COMPRESSIONS : { gzip, zstd };
  const given = names.map((option) => choice(parsed, option, { values, command })).filter((one) => one !== undefined);
  if (new Set(given).size <= 1) return given[0];
  throw usageError({ command }, `cannot use both --${names.join(' and --')}: they say different things`);
}

function choice<T extends string>(
  parsed: ParsedArguments,
  option: string,
  { values, command }: { readonly values: Readonly<Record<string, T>>; readonly command: string },
): T | undefined {
  const text = parsed.value(option);
  if (text === undefined) return undefined;
  if (Object.hasOwn(values, text)) return values[text];
  const state = `cannot use --${option} "${text}": no such ${option.replace('-format', '')}`;
  throw usageError({ command }, state, `Use ${Object.keys(values).join(' or ')}.`);
}

/** What a registry gets is compressed. */
export function pushedAs({ compression, ...form }: ImageForm): Omit<ImageForm, 'compression'> & {
  readonly compression: 'gzip' | 'zstd' | undefined;
} {
  return { ...form, compression: compression === 'none' ? undefined : compression };
}
