import { convert, toSet } from '../evaluate/type-constraint.js';
import { entriesOf, isEqual, isList, isMap, kindOf, toNumber, toText, ValueError, type Value } from '../value.js';
import {
  fixed,
  listOf,
  mapOf,
  ofNumbers,
  text,
  variadic,
  wholeNumber,
  withNull,
  type BakeFunction,
  type Functions,
} from './signature.js';

/** Of range(), as in go-cty. */
const MAX_RANGE = 1024;
/** Of setproduct(). */
const MAX_PRODUCT = 10_000;

export const COLLECTION_FUNCTIONS: Functions = {
  chunklist: fixed(2, (list, size) => chunks(listOf(list), wholeNumber(size))),
  coalesce: withNull(variadic(1, (args) => firstOf(args, (value) => value !== null))),
  coalescelist: withNull(variadic(1, (args) => firstOf(args, (value) => value !== null && sizeOf(value) > 0))),
  compact: fixed(1, (list) => listOf(list).filter((item) => item !== null && item !== '')),
  concat: variadic(1, (lists) => lists.flatMap(listOf)),
  contains: fixed(2, (list, item) => listOf(list).some((one) => isEqual(one, item))),
  distinct: fixed(1, (list) => distinct(listOf(list))),
  element: fixed(2, (list, index) => elementOf(listOf(list), wholeNumber(index))),
  flatten: fixed(1, (list) => flattened(listOf(list))),
  hasindex: fixed(2, (of, key) =>
    isMap(of) ? of.has(text(key)) : typeof key === 'number' && listOf(of)[key] !== undefined,
  ),
  index: fixed(2, (of, key) => indexed(of, key)),
  indexof: withNull(fixed(2, (list, item) => indexOf(listOf(list), item))),
  keys: fixed(1, (map) => entriesOf(mapOf(map)).map(([key]) => key)),
  length: fixed(1, sizeOf),
  lookup: withNull({ min: 2, max: 3, takesNull: true, run: lookUp }),
  merge: withNull(variadic(0, (maps) => new Map(maps.filter((map) => map !== null).flatMap((map) => [...mapOf(map)])))),
  range: { ...ofNumbers(0, () => null), min: 1, max: 3, run: rangeOf },
  reverselist: fixed(1, (list) => listOf(list).toReversed()),
  sethaselement: fixed(2, (set, item) => listOf(set).some((one) => isEqual(one, item))),
  setintersection: ofSets((left, right) => left.filter((item) => has(right, item))),
  setproduct: variadic(2, productOf),
  setsubtract: ofSets((left, right) => left.filter((item) => !has(right, item))),
  setsymmetricdifference: ofSets((left, right) => [
    ...left.filter((item) => !has(right, item)),
    ...right.filter((item) => !has(left, item)),
  ]),
  setunion: ofSets((left, right) => [...left, ...right]),
  slice: fixed(3, (list, start, end) => sliceOf(listOf(list), wholeNumber(start), wholeNumber(end))),
  sort: fixed(1, (list) =>
    listOf(list)
      .map(toText)
      .sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
  ),
  values: fixed(1, (map) => entriesOf(mapOf(map)).map(([, value]) => value)),
  zipmap: fixed(2, (keys, values) => zipped(listOf(keys).map(toText), listOf(values))),
};

type Items = readonly Value[];

function has(items: Items, wanted: Value): boolean {
  return items.some((item) => isEqual(item, wanted));
}

function ofSets(combine: (left: Items, right: Items) => Items): BakeFunction {
  return variadic(1, ([first, ...others]) =>
    others.reduce<Items>((set, other) => toSet(combine(set, listOf(other))), toSet(listOf(first))),
  );
}

function distinct(list: Items): Items {
  const kept: Value[] = [];
  for (const item of list) if (!has(kept, item)) kept.push(item);
  return kept;
}

function firstOf(args: Items, isWanted: (value: Value) => boolean): Value {
  const found = args.find(isWanted);
  if (found !== undefined) return found;
  throw new ValueError('none of the arguments has a value');
}

function sizeOf(value: Value): number {
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  const hint = typeof value === 'string' ? 'Use strlen() for the length of a text.' : undefined;
  throw new ValueError(`a list or a map is wanted, not ${kindOf(value)}`, hint);
}

function chunks(list: Items, size: number): Value {
  if (size < 0) throw new ValueError('a size is 0 or more');
  if (size === 0) return [list];
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** Counting goes round. */
function elementOf(list: Items, index: number): Value {
  if (list.length === 0) throw new ValueError('the list is empty');
  return list[((index % list.length) + list.length) % list.length] ?? null;
}

function flattened(list: Items): Items {
  return list.flatMap((item) => (isList(item) ? flattened(item) : [item]));
}

function indexed(of: Value, key: Value): Value {
  const found = isMap(of) ? of.get(text(key)) : listOf(of)[toNumber(key)];
  if (found !== undefined) return found;
  throw new ValueError('there is no such item');
}

function indexOf(list: Items, wanted: Value): Value {
  const index = list.findIndex((item) => isEqual(item, wanted));
  if (index >= 0) return index;
  throw new ValueError('there is no such item in the list');
}

function lookUp([map, key, otherwise]: Items): Value {
  const found = mapOf(map).get(text(key)) ?? otherwise;
  if (found !== undefined) return found;
  throw new ValueError(`there is no "${text(key)}"`, 'Give what to use instead as the third argument.');
}

function rangeOf(args: Items): Value {
  const numbers = args.map(toNumber);
  const [start = 0, end = 0] = numbers.length === 1 ? [0, ...numbers] : numbers;
  const step = numbers[2] ?? (end < start ? -1 : 1);
  if (step === 0 || (step > 0 && end < start) || (step < 0 && end > start)) {
    throw new ValueError('the step does not lead from the start to the end');
  }
  const count = Math.ceil((end - start) / step);
  if (count > MAX_RANGE) throw new ValueError(`range() gives ${MAX_RANGE} numbers at most, not ${count}`);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

function productOf(sets: Items): Value {
  const lists = sets.map(listOf);
  const size = lists.reduce((product, { length }) => product * length, 1);
  if (size > MAX_PRODUCT) throw new ValueError(`setproduct() gives ${MAX_PRODUCT} items at most, not ${size}`);
  return lists.reduce<readonly Items[]>(
    (products, list) => products.flatMap((product) => list.map((item) => [...product, item])),
    [[]],
  );
}

function sliceOf(list: Items, start: number, end: number): Value {
  if (start >= 0 && start <= end && end <= list.length) return list.slice(start, end);
  throw new ValueError(`there is no part from ${start} to ${end} of a list of ${list.length}`);
}

function zipped(keys: readonly string[], values: Items): Value {
  if (keys.length !== values.length) throw new ValueError(`there are ${keys.length} keys and ${values.length} values`);
  return convert(new Map(keys.map((key, index) => [key, values[index] ?? null])), { kind: 'any' });
}
