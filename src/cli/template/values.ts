/** The values of templates are those of JSON; nothing is `undefined` or `null`. */
export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As Go's `%v` shows it, but for nothing, which is empty: Docker's own types have an empty value for what an image lacks. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (isMembers(value)) return `map[${sortedEntries(value).map(pair).join(' ')}]`;
  return JSON.stringify(value);
}

function pair([name, value]: readonly [string, unknown]): string {
  return `${name}:${formatValue(value)}`;
}

/** By the names' bytes, as Go sorts what it ranges over. */
export function sortedEntries(value: Members): readonly (readonly [string, unknown])[] {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** text/template, "Actions": false, 0, nothing, and what has no elements are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMembers(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
