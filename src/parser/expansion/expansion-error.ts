import { quoted } from '../quoted.js';

/** Why a text cannot be expanded, as the end of a sentence. */
export class ExpansionError extends Error {
  readonly hint: string;
  /** The text is well-formed, and itself asks for the failure. */
  readonly wanted: boolean;

  constructor(message: string, { hint, wanted = false }: { readonly hint: string; readonly wanted?: boolean }) {
    super(message);
    this.hint = hint;
    this.wanted = wanted;
  }
}

export function tooDeep(deepest: number): ExpansionError {
  return new ExpansionError(`"\${" is nested more than ${deepest} times`, {
    hint: 'Use variables for the inner parts.',
  });
}

export function tooLong(): ExpansionError {
  return new ExpansionError('the result is longer than 16 MiB', {
    hint: 'Set the variables in it to something shorter, or COPY a file.',
  });
}

export function tooMuchWork(pattern: string, value: string): ExpansionError {
  return new ExpansionError(`the pattern ${quoted(pattern)} is too long for a value of ${value.length} characters`, {
    hint: 'Use a shorter pattern, or change the value in a RUN step.',
  });
}

export function noName(): ExpansionError {
  return new ExpansionError('"${" is followed by no name', { hint: 'Escape a plain dollar sign.' });
}

export function missing(stop: string): ExpansionError {
  return new ExpansionError(`"${stop}" is missing`, { hint: 'Close every "${" with "}".' });
}

export function openQuote(quote: string): ExpansionError {
  return new ExpansionError(`a quote (${quote}) is not closed`, { hint: 'Close the quote, or escape it.' });
}

export function unsupportedModifier(modifier: string): ExpansionError {
  const hint = 'The modifiers are :- - :+ + :? ? # ## % %% / and //.';
  return new ExpansionError(`"${modifier}" is no modifier of a variable`, { hint });
}

export function invalidPattern(pattern: string): (escape: string) => ExpansionError {
  const hint = 'In a pattern, a backslash may stand before *, ?, \\, / and } only.';
  return (escape) => new ExpansionError(`"${escape}" in the pattern ${quoted(pattern)} is no escape`, { hint });
}

export function notGiven(name: string, value: string | undefined, word: string): ExpansionError {
  const state = word === '' ? `${name} is ${value === undefined ? 'not set' : 'empty'}` : `${name}: ${word}`;
  return new ExpansionError(state, { hint: `Give ${name} a value, as with --build-arg ${name}=value.`, wanted: true });
}
