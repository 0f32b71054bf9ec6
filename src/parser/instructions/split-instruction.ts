import { endWithoutSpace, isSeparator, skipSpace } from '../white-space.js';

/** A part of a logical line; offsets are into that line. */
export interface LinePart {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** A logical line taken apart: `KEYWORD --flag… arguments`. */
export interface SplitInstruction {
  readonly keyword: LinePart;
  /** Each without its quotes and escapes. */
  readonly flags: readonly LinePart[];
  readonly args: LinePart;
}

/** BuildKit's splitCommand: flags are split off before anything else, whatever the instruction. */
export function splitInstruction(line: string, escape: string): SplitInstruction {
  const from = skipSpace(line, 0);
  const end = Math.max(endWithoutSpace(line), from);
  let keywordEnd = from;
  while (keywordEnd < end && !isSeparator(line.charAt(keywordEnd))) keywordEnd++;
  const flags = readFlagWords(line.slice(0, end), keywordEnd, escape);
  const argsFrom = Math.min(skipSpace(line, flags.end), end);
  return {
    keyword: { text: line.slice(from, keywordEnd), from, to: keywordEnd },
    flags: flags.words,
    args: { text: line.slice(argsFrom, end), from: argsFrom, to: end },
  };
}

/** Leading words that begin with `--`; a lone `--` is the last of them and not a flag itself. */
function readFlagWords(line: string, from: number, escape: string): { words: readonly LinePart[]; end: number } {
  const words: LinePart[] = [];
  let at = from;
  for (;;) {
    let start = at;
    while (isFlagSpace(line.charAt(start))) start++;
    if (!line.startsWith('--', start)) return { words, end: start };
    const word = readFlagWord(line, start, escape);
    if (word.text === '--') return { words, end: word.to };
    words.push(word);
    at = word.to;
  }
}

/** BuildKit goes through flags byte by byte, and sees the white space of ASCII only. */
function isFlagSpace(character: string): boolean {
  return isSeparator(character) || character === '\n';
}

function readFlagWord(line: string, from: number, escape: string): LinePart {
  let text = '';
  let quote = '';
  let at = from;
  for (; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === '' && isFlagSpace(character)) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === escape) text += line.charAt(++at);
    else text += character;
  }
  return { text, from, to: Math.min(at, line.length) };
}
