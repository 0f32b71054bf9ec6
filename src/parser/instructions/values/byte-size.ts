const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Bytes of a size as docker/go-units' RAMInBytes reads it ("512", "64k", "1.5 GiB"), all units being binary. */
export function parseByteSize(text: string): number | undefined {
  const match = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?) ?(b?|([kmgtp])(?:i?b)?)$/i.exec(text);
  if (match === null) return undefined;
  const [, number, , unit = ''] = match;
  const bytes = Math.trunc(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase()));
  return bytes >= 0 && Number.isSafeInteger(bytes) ? Math.abs(bytes) : undefined;
}
