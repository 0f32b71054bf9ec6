import { compute } from '../evaluate/operators.js';
import type { BinaryOperator } from '../hcl/expression.js';
import { finite, shown, toNumber, toTruth, ValueError, type Value } from '../value.js';
import {
  fixed,
  ofNumbers,
  text,
  variadic,
  wholeNumber,
  withNull,
  type BakeFunction,
  type Functions,
} from './signature.js';

const operator = (name: BinaryOperator): BakeFunction => fixed(2, (left, right) => compute(name, [left, right]));

export const NUMBER_FUNCTIONS: Functions = {
  absolute: ofNumbers(1, Math.abs),
  add: operator('+'),
  and: operator('&&'),
  ceil: ofNumbers(1, Math.ceil),
  divide: operator('/'),
  equal: withNull(operator('==')),
  floor: ofNumbers(1, Math.floor),
  greaterthan: operator('>'),
  greaterthanorequalto: operator('>='),
  int: ofNumbers(1, Math.trunc),
  lessthan: operator('<'),
  lessthanorequalto: operator('<='),
  log: ofNumbers(2, (value, base) => finite(Math.log(value) / Math.log(base))),
  max: variadic(1, (args) => Math.max(...args.map(toNumber))),
  min: variadic(1, (args) => Math.min(...args.map(toNumber))),
  modulo: operator('%'),
  multiply: operator('*'),
  negate: ofNumbers(1, (value) => -value),
  not: fixed(1, (value) => !toTruth(value)),
  notequal: withNull(operator('!=')),
  or: operator('||'),
  parseint: fixed(2, parseInteger),
  pow: ofNumbers(2, (value, power) => finite(value ** power)),
  signum: ofNumbers(1, Math.sign),
  subtract: operator('-'),
};

function parseInteger(value: Value, baseValue: Value): Value {
  const [digits, base] = [text(value), wholeNumber(baseValue)];
  if (base < 2 || base > 36) throw new ValueError('a base is from 2 to 36');
  const number = Number.parseInt(digits, base);
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'.slice(0, base);
  const isWhole = Array.from(digits.toLowerCase().replace(/^[+-]/, '')).every((digit) => alphabet.includes(digit));
  if (isWhole && Number.isSafeInteger(number)) return number;
  throw new ValueError(`${shown(digits)} is no whole number of base ${base}`);
}
