// C0 and C1 controls, DEL, and the controls of bidirectional text (Unicode UAX #9), which reorder what a reader sees.
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;
const CONTROLS_BUT_TAB = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

// ECMA-48 5.4 and 5.6: control sequences, command strings with their terminator, and the two-character escape sequences.
const SEQUENCES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?|\x1b[ -/]*[0-~]/g;

/**
 * One line of a program's output, fit for a terminal: escape sequences and control characters are dropped. What runs in a
 * build may not move the cursor, retitle the window or answer for the user.
 */
export function plainLine(text: string): string {
  if (text.search(CONTROLS_BUT_TAB) < 0) return text;
  return overstruck(text.replace(SEQUENCES, '')).replace(CONTROLS_BUT_TAB, '');
}

/** As it looks after backspaces, by which programs turn a wheel in the place of a character. */
function overstruck(text: string): string {
  if (!text.includes('\b')) return text;
  const characters: string[] = [];
  let place = 0;
  for (const character of text) {
    if (character === '\b') {
      place = Math.max(0, place - 1);
    } else {
      characters[place] = character;
      place += 1;
    }
  }
  return characters.join('');
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
