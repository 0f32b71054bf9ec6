import { TsbuildError } from '../../support/errors.js';

const UNITS: Readonly<Record<string, number>> = { '': 0, K: 1, M: 2, G: 3, T: 4 };

/**
 * A count of bytes as split(1) of GNU coreutils takes it: `700M` and `700MiB` in powers of 1024, `4GB` in powers of 1000.
 * @throws `USAGE`
 */
export function parseByteCount(text: string, option: string): number {
  const match = /^([1-9][0-9]{0,14})([KMGT]?)(i?B)?$/.exec(
    text.replace(/^([0-9]+)([kmgt])/, (all) => all.toUpperCase()),
  );
  const [, digits = '', unit = '', suffix = ''] = match ?? [];
  const count = Number(digits) * (suffix === 'B' ? 1000 : 1024) ** (UNITS[unit] ?? 0);
  const isPlain = unit === '' && suffix === 'iB';
  if (match !== null && !isPlain && Number.isSafeInteger(count)) return count;
  throw new TsbuildError('USAGE', `cannot use ${option} "${text.slice(0, 100)}": it is no count of bytes`, {
    hint: 'Give a number and a unit such as 4GB (4000000000 bytes), 4G (4294967296) or 700M.',
  });
}
