const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;

/** Bytes as Docker prints them: three digits, powers of 1000 (`7.83MB`). */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.95 and above would be rounded up to a four-digit 1000.
  while (Number(value.toPrecision(3)) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit] ?? 'B'}`;
}
