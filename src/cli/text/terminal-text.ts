import { withoutControls } from '../../support/visible-line.js';

// C0 and C1 controls, DEL, and the controls of bidirectional text (Unicode UAX #9), which reorder what a reader sees.
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line of a program's output, fit for a terminal: escape sequences and control characters are dropped. What runs in a
 * build may not move the cursor, retitle the window or answer for the user.
 */
export function plainLine(text: string): string {
  return withoutControls(text);
}

/** For messages, where a reader must see what is there: control characters as `\x1b`, `\n`, `\u202e`. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, escaped);
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}
