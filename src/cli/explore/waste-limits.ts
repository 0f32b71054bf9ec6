import type { Waste } from '../../layers/compare/wasted-files.js';
import { TsbuildError } from '../../support/errors.js';
import { parseByteCount } from '../options/byte-count.js';
import { formatSize } from '../text/size.js';

/** What an image may waste. */
export interface WasteLimits {
  readonly maxWasted: { readonly text: string; readonly bytes?: number; readonly share?: number } | undefined;
  /** 0 to 1. */
  readonly minEfficiency: number | undefined;
}

/** `10%`, or a count of bytes. @throws `USAGE` */
export function readMaxWasted(text: string): NonNullable<WasteLimits['maxWasted']> {
  const [, percent] = /^([0-9]{1,3}(?:\.[0-9]+)?)%$/.exec(text) ?? [];
  if (percent !== undefined && Number(percent) <= 100) return { text, share: Number(percent) / 100 };
  return { text, bytes: text === '0' ? 0 : parseByteCount(text, '--max-wasted') };
}

/** `0.95` or `95%`. @throws `USAGE` */
export function readMinEfficiency(text: string): number {
  const [, number = '', percent] = /^([0-9]{1,3}(?:\.[0-9]+)?)(%)?$/.exec(text) ?? [];
  const efficiency = Number(number) / (percent === undefined ? 1 : 100);
  if (number !== '' && efficiency <= 1) return efficiency;
  throw new TsbuildError('USAGE', `cannot use --min-efficiency "${text.slice(0, 100)}": it is no share`, {
    hint: 'Give a number from 0 to 1, such as 0.95, or a percentage such as 95%.',
  });
}

/** @throws `IMAGE_WASTEFUL` */
export function checkWaste(name: string, waste: Waste, { maxWasted, minEfficiency }: WasteLimits): void {
  const { bytes, wastedBytes, efficiency } = waste;
  const allowed = maxWasted?.bytes ?? (maxWasted?.share ?? Infinity) * bytes;
  if (maxWasted !== undefined && wastedBytes > allowed) {
    throw wasteful(name, `it wastes ${formatSize(wastedBytes)} of ${formatSize(bytes)}, more than ${maxWasted.text}`);
  }
  if (minEfficiency !== undefined && efficiency < minEfficiency) {
    throw wasteful(name, `its efficiency is ${efficiency.toFixed(4)}, less than ${minEfficiency}`);
  }
}

function wasteful(name: string, state: string): TsbuildError {
  return new TsbuildError('IMAGE_WASTEFUL', `cannot accept image "${name}": ${state}`, {
    hint: 'Remove files in the instruction that makes them, and set owner and mode where they are copied (COPY --chown, --chmod).',
  });
}
