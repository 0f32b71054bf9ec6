const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  '\u00b5s': 1e3, // micro sign
  '\u03bcs': 1e3, // Greek letter mu
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const LONGEST = 2 ** 63;
const LONGEST_TEXT = 100;

/** Nanoseconds of a duration as Go's time.ParseDuration reads it ("1m30s", "1.5h", "0"), or `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[-+]/, '');
  if (unsigned === '0') return 0;
  if (unsigned.length > LONGEST_TEXT) return undefined;
  const parts = unsigned.match(/\d*(?:\.\d*)?[^.\d]+/g) ?? [];
  if (unsigned === '' || parts.join('') !== unsigned) return undefined;
  let total = 0;
  for (const part of parts) {
    const nanoseconds = parsePart(part);
    if (nanoseconds === undefined) return undefined;
    total += nanoseconds;
  }
  if (total >= LONGEST) return undefined;
  return text.startsWith('-') ? -total : total;
}

function parsePart(part: string): number | undefined {
  const [, whole = '', fraction = '', unit = ''] = /^(\d*)(?:\.(\d*))?([^.\d]+)$/.exec(part) ?? [];
  const nanoseconds = Object.hasOwn(NANOSECONDS, unit) ? NANOSECONDS[unit] : undefined;
  if (nanoseconds === undefined || whole + fraction === '') return undefined;
  // Go's order of operations, so that its roundings are ours.
  return Number(whole) * nanoseconds + Math.trunc(Number(fraction) * (nanoseconds / 10 ** fraction.length));
}
