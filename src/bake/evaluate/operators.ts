import type { BinaryOperator } from '../hcl/expression.js';
import { finite, isEqual, toNumber, toTruth, ValueError, type Value } from '../value.js';

type Pair = readonly [Value, Value];

const numbers =
  <T>(compute: (left: number, right: number) => T) =>
  ([left, right]: Pair): T =>
    compute(toNumber(left), toNumber(right));

/** Text becomes a number or a truth where one is wanted, as HCL has it. */
const OPERATORS: Readonly<Record<BinaryOperator, (pair: Pair) => Value>> = {
  '||': ([left, right]) => {
    const values = [toTruth(left), toTruth(right)];
    return values.includes(true);
  },
  '&&': ([left, right]) => {
    const values = [toTruth(left), toTruth(right)];
    return !values.includes(false);
  },
  '==': ([left, right]) => isEqual(left, right),
  '!=': ([left, right]) => !isEqual(left, right),
  '<': numbers((left, right) => left < right),
  '>': numbers((left, right) => left > right),
  '<=': numbers((left, right) => left <= right),
  '>=': numbers((left, right) => left >= right),
  '+': numbers((left, right) => finite(left + right)),
  '-': numbers((left, right) => finite(left - right)),
  '*': numbers((left, right) => finite(left * right)),
  '/': numbers((left, right) => {
    if (right === 0) throw new ValueError('nothing can be divided by zero');
    return finite(left / right);
  }),
  '%': numbers((left, right) => {
    if (right === 0) throw new ValueError('nothing can be divided by zero');
    return left % right;
  }),
};

/** @throws `ValueError` */
export function compute(operator: BinaryOperator, pair: Pair): Value {
  return OPERATORS[operator](pair);
}
