/** A word of a shell: plain characters, escaped ones, and quoted parts, of which the last may still be open. */
const WORD = /(?:[^\s"'\\]|\\[\s\S]?|"(?:[^"\\]|\\[\s\S])*"?|'[^']*'?)+/g;
const PART = /\\([\s\S]?)|"((?:[^"\\]|\\[\s\S])*)"?|'([^']*)'?/g;

/**
 * The words of a command line as a shell splits it, quotes and backslashes taken away, up to where the cursor is. The last one is
 * being written: it is empty after a space.
 */
export function splitLine(line: string): readonly string[] {
  const words = (line.match(WORD) ?? []).map(unquoted);
  return /(^|[^\\])\s$/.test(line) || words.length === 0 ? [...words, ''] : words;
}

function unquoted(word: string): string {
  return word.replace(PART, (_whole: string, ...groups: readonly (string | undefined)[]) => {
    const [escaped, double, single] = groups;
    return escaped ?? double?.replaceAll(/\\([\s\S])/g, '$1') ?? single ?? '';
  });
}
