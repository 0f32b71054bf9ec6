/** The value of `from=` in a `--mount`, which is never expanded; of several the last. */
export function mountOrigin(text: string): string | undefined {
  const fields = text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? [];
  return fields
    .map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field))
    .findLast((field) => /^from=/i.test(field))
    ?.slice('from='.length);
}
