import { isTsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import { bakeError } from '../bake-error.js';
import { evaluate, placed } from '../evaluate/evaluate.js';
import type { FunctionCall, LazyFunctions } from '../evaluate/scope.js';
import { convert, readTypeConstraint } from '../evaluate/type-constraint.js';
import { ValueError, type Value } from '../value.js';
import { COLLECTION_FUNCTIONS } from './collection-functions.js';
import { ENCODING_FUNCTIONS } from './encoding-functions.js';
import { NUMBER_FUNCTIONS } from './number-functions.js';
import { PATTERN_FUNCTIONS } from './pattern-functions.js';
import { fixed, type BakeFunction, type Functions } from './signature.js';
import { TEXT_FUNCTIONS } from './text-functions.js';
import { timeFunctions, type Clock } from './time-functions.js';
import { semverMatches } from './version-ranges.js';
import { ADDRESS_FUNCTIONS } from './address-functions.js';
import { ofTexts } from './signature.js';

export interface Surroundings extends Clock {
  /** Of the user who builds. */
  readonly home: string;
}

/** Functions of docker buildx that there are none of here, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  bcrypt: 'its result is another one each time',
  uuidv4: 'its result is another one each time',
  rsadecrypt: 'a definition is no place for private keys',
};

/** The functions of every definition file (buildx docs/bake-stdlib.md). */
export function standardFunctions(around: Surroundings): Functions {
  return {
    ...{ ...NUMBER_FUNCTIONS, ...TEXT_FUNCTIONS, ...COLLECTION_FUNCTIONS, ...ENCODING_FUNCTIONS },
    ...{ ...PATTERN_FUNCTIONS, ...ADDRESS_FUNCTIONS, ...timeFunctions(around) },
    semvercmp: ofTexts(2, semverMatches),
    homedir: fixed(0, () => around.home),
  };
}

export const LAZY_FUNCTIONS: LazyFunctions = {
  try: (args, scope, span) => {
    for (const arg of args) {
      const tried = attempt(() => evaluate(arg, scope));
      if (tried !== undefined) return tried.value;
    }
    throw bakeError('cannot evaluate try(): none of its arguments can be evaluated', span);
  },
  can: ([arg], scope, span) => {
    if (arg === undefined) throw bakeError('cannot call can(): it takes one argument', span);
    return attempt(() => evaluate(arg, scope)) !== undefined;
  },
  convert: ([value, type], scope, span) => {
    if (value === undefined || type === undefined)
      throw bakeError('cannot call convert(): it takes a value and a type', span);
    const given = evaluate(value, scope);
    return placed(span, () => convert(given, readTypeConstraint(type)));
  },
};

function attempt(use: () => Value): { readonly value: Value } | undefined {
  try {
    return { value: use() };
  } catch (error) {
    if (isTsbuildError(error, 'CONFIG_INVALID')) return undefined;
    throw error;
  }
}

/** @throws `ValueError` for arguments that it does not take, `CONFIG_INVALID` when there is no such function */
export function callStandard(functions: Functions, { name, args, span }: FunctionCall): Value {
  const found = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (found === undefined) throw unknownFunction(functions, name, span);
  checkArguments(found, name, args);
  return found.run(args);
}

function checkArguments({ min, max, takesNull }: BakeFunction, name: string, args: readonly Value[]): void {
  if (args.length < min || args.length > max) {
    const wanted = min === max ? String(min) : max === Number.POSITIVE_INFINITY ? `${min} or more` : `${min} to ${max}`;
    throw new ValueError(`${name}() takes ${wanted} arguments, not ${args.length}`);
  }
  if (!takesNull && args.includes(null)) throw new ValueError(`an argument of ${name}() is null`);
}

function unknownFunction(functions: Functions, name: string, span: FunctionCall['span']): Error {
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (refused !== undefined) return bakeError(`cannot call ${name}(): ${refused}`, span);
  const near = suggest(name, Object.keys(functions));
  const hint = near === undefined ? 'docs/bake.md lists the functions that there are.' : `Did you mean ${near}()?`;
  return bakeError(`cannot call ${name}(): there is no such function`, span, hint);
}
