import { isSeparator, isSpace, trimSpace } from '../../white-space.js';

/** The words between white space; quotes and escapes mean nothing here. */
export function splitWords(text: string): readonly string[] {
  const trimmed = trimSpace(text);
  return trimmed === '' ? [] : trimmed.split(/[\t\v\f\r ]+/);
}

/** The first word, and the rest as it is. */
export function cutFirstWord(text: string): { readonly word: string; readonly rest: string | undefined } {
  let at = 0;
  while (at < text.length && !isSeparator(text.charAt(at))) at++;
  const word = text.slice(0, at);
  if (at === text.length) return { word, rest: undefined };
  while (at < text.length && isSeparator(text.charAt(at))) at++;
  return { word, rest: text.slice(at) };
}

/** The words of ENV, LABEL and ARG: white space in quotes or escaped is part of a word. Quotes and escapes stay in. */
export function splitQuotedWords(text: string, escape: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === '' && isSpace(character)) {
      if (word !== '') words.push(word);
      word = '';
    } else if (character === escape && quote !== "'") {
      // An escape character at the very end escapes nothing and is dropped.
      if (at + 1 < text.length) word += character + text.charAt(++at);
    } else {
      quote = quoteAfter(character, quote);
      word += character;
    }
  }
  return word === '' ? words : [...words, word];
}

/** The quote that is open behind a character, `''` for none. */
function quoteAfter(character: string, open: string): string {
  if (open !== '') return character === open ? '' : open;
  return character === '"' || character === "'" ? character : '';
}
