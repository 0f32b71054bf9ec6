import type { OutputStream } from '../output-stream.js';

/** Escape sequences around a text, or the text as it is. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly blue: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** ECMA-48 8.3.117 "select graphic rendition": the number that switches on, and the one that switches off. */
function style(on: number, off: number): (text: string) => string {
  return (text) => `\x1b[${on}m${text}\x1b[${off}m`;
}

const COLORS: Palette = {
  bold: style(1, 22),
  dim: style(2, 22),
  red: style(31, 39),
  green: style(32, 39),
  yellow: style(33, 39),
  blue: style(34, 39),
  cyan: style(36, 39),
};

const asItIs = (text: string): string => text;
const PLAIN: Palette = {
  bold: asItIs,
  dim: asItIs,
  red: asItIs,
  green: asItIs,
  yellow: asItIs,
  blue: asItIs,
  cyan: asItIs,
};

export function palette(color: boolean): Palette {
  return color ? COLORS : PLAIN;
}

/** Whether a stream gets color: a terminal, unless NO_COLOR (no-color.org: set and not empty) or a dumb TERM forbids it. */
export function colorOf(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
  if (stream.isTTY !== true || env['TERM'] === 'dumb') return false;
  return (env['NO_COLOR'] ?? '') === '';
}
