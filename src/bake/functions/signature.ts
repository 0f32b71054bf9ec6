import { isList, isMap, kindOf, toNumber, toText, ValueError, type Value, type ValueMap } from '../value.js';

/** A function of expressions. */
export interface BakeFunction {
  /** How many arguments it takes. */
  readonly min: number;
  readonly max: number;
  /** Whether an argument may be null. */
  readonly takesNull: boolean;
  /** @throws `ValueError` */
  readonly run: (args: readonly Value[]) => Value;
}

export type Functions = Readonly<Record<string, BakeFunction>>;

/** Of a fixed number of arguments, none of them null. */
export function fixed(count: number, run: (...args: Value[]) => Value): BakeFunction {
  return { min: count, max: count, takesNull: false, run: (args) => run(...args) };
}

/** Of `min` arguments and more. */
export function variadic(min: number, run: (args: readonly Value[]) => Value): BakeFunction {
  return { min, max: Number.POSITIVE_INFINITY, takesNull: false, run };
}

export function withNull(defined: BakeFunction): BakeFunction {
  return { ...defined, takesNull: true };
}

/** @throws `ValueError` */
export function listOf(value: Value | undefined): readonly Value[] {
  if (value !== undefined && isList(value)) return value;
  throw new ValueError(`a list is wanted, not ${kindOf(value ?? null)}`);
}

/** @throws `ValueError` */
export function mapOf(value: Value | undefined): ValueMap {
  if (value !== undefined && isMap(value)) return value;
  throw new ValueError(`a map is wanted, not ${kindOf(value ?? null)}`);
}

/** @throws `ValueError` */
export function wholeNumber(value: Value | undefined): number {
  const number = toNumber(value ?? null);
  if (Number.isSafeInteger(number)) return number;
  throw new ValueError(`a whole number is wanted, not ${String(number)}`);
}

/** @throws `ValueError` */
export function text(value: Value | undefined): string {
  return toText(value ?? null);
}

/** Of texts, each argument one. */
export function ofTexts(count: number, run: (...texts: string[]) => Value): BakeFunction {
  return fixed(count, (...args) => run(...args.map(toText)));
}

/** Of numbers, each argument one. */
export function ofNumbers(count: number, run: (...numbers: number[]) => Value): BakeFunction {
  return fixed(count, (...args) => run(...args.map(toNumber)));
}
