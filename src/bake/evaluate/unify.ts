import { isList, isMap, kindOf, toText, ValueError, type Value } from '../value.js';

/**
 * A value as the type that it and another have in common: text, where one of two simple values is text.
 * @throws `ValueError` when there is none
 */
export function unified(value: Value, other: Value): Value {
  if (value === null || other === null) return value;
  if (isList(value) || isMap(value)) {
    if (isList(value) === isList(other) && isMap(value) === isMap(other)) return value;
    throw unlike(value, other);
  }
  if (isList(other) || isMap(other)) throw unlike(value, other);
  if (typeof other === 'string') return toText(value);
  if (typeof value === 'string' || typeof value === typeof other) return value;
  throw unlike(value, other);
}

function unlike(value: Value, other: Value): ValueError {
  return new ValueError(
    `it is ${kindOf(other)}, and the other result is ${kindOf(value)}`,
    'Give results of one kind.',
  );
}
