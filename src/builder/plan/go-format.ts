// BuildKit writes parts of the history with Go's formatting verbs; who compares histories compares these characters.

/** A string as Go's `%q` prints it (strconv.Quote). */
export function quoteGo(text: string): string {
  return `"${Array.from(text, (character) => escapeGo(character, '"')).join('')}"`;
}

/** A list of strings as Go's `%q` prints it: blanks between, no commas. */
export function quoteGoList(texts: readonly string[]): string {
  return `[${texts.map(quoteGo).join(' ')}]`;
}

/** An integer as Go's `%q` prints it: the character with that number, quoted (strconv.QuoteRune). */
export function quoteGoRune(code: number): string {
  const isCharacter = code >= 0 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff);
  return `'${escapeGo(isCharacter ? String.fromCodePoint(code) : '\u{fffd}', "'")}'`;
}

/** A list of strings as Go's `%v` prints it. */
export function formatGoList(texts: readonly string[]): string {
  return `[${texts.join(' ')}]`;
}

const SECOND = 1_000_000_000;
const SMALL_UNITS = [
  { name: 'ms', nanoseconds: 1_000_000 },
  { name: 'µs', nanoseconds: 1_000 },
  { name: 'ns', nanoseconds: 1 },
] as const;

/** Nanoseconds as Go's time.Duration prints itself: `1h0m0s`, `1.5s`, `20ms`, `0s`. */
export function formatGoDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const small = SMALL_UNITS.find((unit) => nanoseconds >= unit.nanoseconds);
  if (nanoseconds < SECOND && small !== undefined) return decimal(nanoseconds, small.nanoseconds) + small.name;
  const minutes = Math.floor(nanoseconds / (60 * SECOND));
  const seconds = `${decimal(nanoseconds - minutes * 60 * SECOND, SECOND)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function decimal(value: number, unit: number): string {
  const fraction = (value % unit).toString().padStart(unit.toString().length - 1, '0');
  const digits = unit === 1 ? '' : fraction.replace(/0+$/, '');
  return `${Math.floor(value / unit)}${digits === '' ? '' : `.${digits}`}`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\u0007', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);

/** What Go's unicode.IsPrint takes for printable: letters, marks, numbers, punctuation, symbols and the ASCII blank. */
const PRINTABLE = '^[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S} ]$';
let printable: RegExp | undefined;

/** Compiling the classes of Unicode takes some milliseconds, which plain text need not pay. */
function isPrintable(character: string): boolean {
  if (character <= '\u007f') return character >= ' ' && character !== '\u007f';
  printable ??= new RegExp(PRINTABLE, 'u');
  return printable.test(character);
}

function escapeGo(character: string, quote: '"' | "'"): string {
  if (character === quote) return `\\${quote}`;
  const escape = ESCAPES.get(character);
  if (escape !== undefined) return escape;
  if (isPrintable(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code > 0xff_ff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
