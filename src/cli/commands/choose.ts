import { TsbuildError } from '../../support/errors.js';

/**
 * What one of a few words stands for; `undefined` when none was given.
 * @throws `USAGE` for another
 */
export function choose<T>(
  word: string | undefined,
  choices: Readonly<Record<string, T>>,
  option: string,
): T | undefined {
  if (word === undefined) return undefined;
  const choice = Object.hasOwn(choices, word) ? choices[word] : undefined;
  if (choice !== undefined) return choice;
  throw new TsbuildError('USAGE', `cannot use ${option} "${word.slice(0, 100)}": no such value`, {
    hint: `Use one of ${Object.keys(choices).join(', ')}.`,
  });
}
