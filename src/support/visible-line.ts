// C0 and C1 controls but the tab, DEL, and the controls of bidirectional text (Unicode UAX #9), which reorder what a reader sees.
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

// ECMA-48 5.4 and 5.6: control sequences, command strings with their terminator, and the two-character escape sequences.
const SEQUENCES =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?|\x1b[ -/]*[0-~]/g;

/** Without what colors text, moves the cursor, or does whatever else a terminal takes orders for; ends of lines stay. */
export function withoutSequences(text: string): string {
  return text.replace(SEQUENCES, '');
}

/** And without control characters: one line of what a program has printed, fit for a terminal and for a record. */
export function withoutControls(line: string): string {
  if (line.search(CONTROLS) < 0) return line;
  return withoutSequences(line).replace(CONTROLS, '');
}

/**
 * As it looks after backspaces, by which programs turn a wheel in the place of a character. Of output only: in a text that somebody
 * is to judge, as of a Dockerfile, nothing may be hidden like that.
 */
function overstruck(text: string): string {
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

/** What is to be seen of a line in the end: carriage returns, as of progress bars, have overwritten what was before them. */
export function visibleLine(line: string): string {
  let end = line.length;
  while (line[end - 1] === '\r') end -= 1;
  const last = line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
  return withoutControls(last.includes('\b') ? overstruck(withoutSequences(last)) : last);
}
