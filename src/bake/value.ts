/**
 * What expressions give. Lists, sets and tuples are arrays, a set without duplicates and sorted; maps and objects are `Map`s, so that no
 * key has a meaning of its own.
 */
export type Value = null | boolean | number | string | readonly Value[] | ValueMap;
export type ValueMap = ReadonlyMap<string, Value>;

/** Why a value cannot be what it is taken for; the caller knows where it stands. */
export class ValueError extends Error {
  override readonly name: string = 'ValueError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return value instanceof Map;
}

/** As messages call it. */
export function kindOf(value: Value): string {
  if (value === null) return 'null';
  if (isList(value)) return 'a list';
  if (isMap(value)) return 'a map';
  return `a ${value === true || value === false ? 'bool' : typeof value}`;
}

/** What is quoted of a value in a message. */
export function shown(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (value === null || typeof value !== 'object') return String(value);
  return kindOf(value);
}

/** HCL turns numbers and truths into text where text is wanted. @throws `ValueError` */
export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return String(value);
  throw new ValueError(`a string is wanted, not ${kindOf(value)}`);
}

/** @throws `ValueError` */
export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) return finite(Number(value));
  throw new ValueError(`a number is wanted, not ${typeof value === 'string' ? shown(value) : kindOf(value)}`);
}

/** @throws `ValueError` */
export function toTruth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new ValueError(`true or false is wanted, not ${typeof value === 'string' ? shown(value) : kindOf(value)}`);
}

/** @throws `ValueError` for what a division by zero gives, and beyond the range of numbers */
export function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new ValueError('the result is no number');
}

/** Without an exponent, as HCL writes numbers. */
export function formatNumber(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return Object.is(value, -0) ? '0' : text;
  if (Number.isInteger(value)) return BigInt(value).toString();
  return value.toFixed(100).replace(/\.?0+$/, '');
}

/** Of one kind and of one content. */
export function isEqual(left: Value, right: Value): boolean {
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, index) => isEqual(item, right[index] ?? null));
  }
  if (isMap(left) && isMap(right)) {
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && isEqual(item, right.get(key) ?? null))
    );
  }
  return left === right;
}

/** Sorted by their keys' UTF-16 units, which is the order in which HCL walks maps. */
export function entriesOf(map: ValueMap): readonly (readonly [string, Value])[] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : 1));
}
