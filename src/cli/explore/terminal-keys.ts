import type { NamedKey } from './explorer.js';

/** What is pressed to interrupt a program: in raw mode it is no signal. */
export const INTERRUPT = '\x03';

const SEQUENCES: Readonly<Record<string, NamedKey>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  Z: 'tab',
  '1~': 'home',
  '4~': 'end',
  '5~': 'page-up',
  '6~': 'page-down',
  '7~': 'home',
  '8~': 'end',
};

const CONTROLS: Readonly<Record<string, NamedKey>> = {
  '\x02': 'page-up',
  '\x04': 'page-down',
  '\x06': 'page-down',
  '\x08': 'backspace',
  '\t': 'tab',
  '\n': 'enter',
  '\r': 'enter',
  '\x15': 'page-up',
  '\x1b': 'escape',
  '\x7f': 'backspace',
};

// Sequences of function keys (ECMA-48 5.4, xterm's "PC-Style Function Keys"), with modifiers, which do not count here.
const KEY = /\x1b(?:\[|O)(?:(\d+)(?:;\d+)*)?([A-Za-z~])|[\s\S]/gu;

/** The keys of what a terminal has sent, in order: names, and characters; without those that have no meaning here. */
export function terminalKeys(text: string): readonly string[] {
  return [...text.matchAll(KEY)].flatMap(([all, number = '', final]) => {
    if (final !== undefined) {
      const key = SEQUENCES[final === '~' ? `${number}~` : final];
      return key === undefined ? [] : [key];
    }
    const named = CONTROLS[all];
    if (named !== undefined) return [named];
    return all === INTERRUPT || all >= ' ' ? [all] : [];
  });
}
