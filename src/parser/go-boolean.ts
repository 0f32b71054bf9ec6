const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const),
]);

/** Go's strconv.ParseBool; `undefined` for what it refuses. */
export function parseGoBoolean(text: string): boolean | undefined {
  return BOOLEANS.get(text);
}
