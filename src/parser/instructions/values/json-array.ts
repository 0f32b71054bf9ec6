import { skipSpace } from '../../white-space.js';
import { parseJson } from '../../../support/parse-json.js';

/**
 * The exec form: the strings of a JSON array; `undefined` for what is no JSON array and so is shell form, as `['a']` is.
 * `null` for a JSON array that holds something else than strings: an error everywhere.
 */
export function parseStringArray(text: string): readonly string[] | null | undefined {
  const array = text.slice(skipSpace(text, 0));
  if (!array.startsWith('[')) return undefined;
  const value = parseJson(array);
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value;
  return items.every((item) => typeof item === 'string') ? items : null;
}
