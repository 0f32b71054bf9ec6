import { usageError, type ParsedArguments } from '../argv.js';

const LEVELS = { gzip: [0, 9], zstd: [1, 22] } as const;

/** What `--compression-level` says, for layers that are compressed in that way. @throws `USAGE` */
export function compressionLevel(
  parsed: ParsedArguments,
  compression: keyof typeof LEVELS,
  command: string,
): number | undefined {
  const text = parsed.value('compression-level');
  if (text === undefined) return undefined;
  const [least, most] = LEVELS[compression];
  const level = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (level >= least && level <= most) return level;
  const state = `cannot use --compression-level "${text}": ${compression} has no such level`;
  throw usageError({ command }, state, `Use ${least} for the fastest to ${most} for the smallest.`);
}
