import { suggest } from '../support/suggest.js';

/** "Did you mean …?", or `undefined` if no candidate is near. A word in lower case gets its answer in lower case. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const near = suggest(word, candidates);
  if (near === undefined) return undefined;
  return `Did you mean ${word === word.toLowerCase() ? near.toLowerCase() : near}?`;
}
