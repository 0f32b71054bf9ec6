import { constants } from 'node:os';

const NUMBERS: Readonly<Record<string, number>> = constants.signals;
/** As the C libraries count: two below it are theirs. */
const RTMIN = 34;
const RTMAX = 64;

/** Of a signal as STOPSIGNAL has it: a name with or without SIG, `RTMIN+1`, or a number. `undefined` for anything else. */
export function signalNumber(text: string): number | undefined {
  if (/^\d{1,2}$/.test(text)) return inRange(Number(text));
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, sign, offset = '0'] = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  if (base === undefined) return Object.hasOwn(NUMBERS, `SIG${name}`) ? NUMBERS[`SIG${name}`] : undefined;
  const number = (base === 'MIN' ? RTMIN : RTMAX) + (sign === '-' ? -1 : 1) * Number(offset);
  return number >= RTMIN ? inRange(number) : undefined;
}

function inRange(number: number): number | undefined {
  return number >= 1 && number <= RTMAX ? number : undefined;
}
