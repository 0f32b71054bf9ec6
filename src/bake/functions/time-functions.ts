import { shown, toNumber, ValueError, type Value } from '../value.js';
import { fixed, ofTexts, text, type Functions } from './signature.js';

export interface Clock {
  /** SOURCE_DATE_EPOCH: seconds since 1970, and the only time there is. */
  readonly sourceDateEpoch: number | undefined;
}

export function timeFunctions({ sourceDateEpoch }: Clock): Functions {
  return {
    formatdate: ofTexts(2, (format, time) => formatTime(format, parseTime(time))),
    formattimestamp: fixed(2, (format, time) => {
      const at = typeof time === 'number' ? fromSeconds(time) : parseTime(text(time));
      return text(format) === 'X' ? String(Math.floor(at.date.getTime() / 1000)) : formatTime(text(format), at);
    }),
    timeadd: ofTexts(2, (time, duration) => {
      const { date, offset } = parseTime(time);
      return rfc3339({ date: new Date(date.getTime() + milliseconds(duration)), offset });
    }),
    timestamp: fixed(0, () => {
      if (sourceDateEpoch !== undefined) return rfc3339(fromSeconds(sourceDateEpoch));
      throw new ValueError(
        'what a build gives does not depend on the clock',
        'Set SOURCE_DATE_EPOCH to the time to use.',
      );
    }),
    unixtimestampparse: fixed(1, (seconds) => partsOf(toNumber(seconds))),
  };
}

interface Time {
  readonly date: Date;
  /** As it is written: `Z` or `+02:00`. */
  readonly offset: string;
}

function parseTime(value: string): Time {
  const offset = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(Z|z|[+-]\d\d:\d\d)$/.exec(value)?.[1];
  const date = new Date(value);
  if (offset !== undefined && !Number.isNaN(date.getTime())) return { date, offset: offset.toUpperCase() };
  throw new ValueError(`${shown(value)} is no time`, 'Write it as 2006-01-02T15:04:05Z (RFC 3339).');
}

function fromSeconds(seconds: number): Time {
  const date = new Date(seconds * 1000);
  if (Number.isInteger(seconds) && !Number.isNaN(date.getTime())) return { date, offset: 'Z' };
  throw new ValueError(`${seconds} is no number of seconds since 1970`);
}

/** The same moment, such that its UTC parts are those of its own offset. */
function shifted({ date, offset }: Time): Date {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
  const shift = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1);
  return new Date(date.getTime() + shift * 60_000);
}

function rfc3339(time: Time): string {
  return `${shifted(time).toISOString().slice(0, 19)}${time.offset}`;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June'].concat(
  ...['July', 'August', 'September', 'October', 'November', 'December'],
);

const two = (value: number): string => String(value).padStart(2, '0');

type Part = (date: Date, offset: string) => string;
const hour12 = (date: Date): number => date.getUTCHours() % 12 || 12;

/** go-cty, "formatdate": one name a run of letters. */
const PARTS: Readonly<Record<string, Part>> = {
  YYYY: (date) => String(date.getUTCFullYear()).padStart(4, '0'),
  YY: (date) => two(date.getUTCFullYear() % 100),
  MMMM: (date) => MONTHS[date.getUTCMonth()] ?? '',
  MMM: (date) => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
  MM: (date) => two(date.getUTCMonth() + 1),
  M: (date) => String(date.getUTCMonth() + 1),
  DD: (date) => two(date.getUTCDate()),
  D: (date) => String(date.getUTCDate()),
  EEEE: (date) => DAYS[date.getUTCDay()] ?? '',
  EEE: (date) => (DAYS[date.getUTCDay()] ?? '').slice(0, 3),
  hh: (date) => two(date.getUTCHours()),
  h: (date) => String(date.getUTCHours()),
  HH: (date) => two(hour12(date)),
  H: (date) => String(hour12(date)),
  AA: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  aa: (date) => (date.getUTCHours() < 12 ? 'am' : 'pm'),
  mm: (date) => two(date.getUTCMinutes()),
  m: (date) => String(date.getUTCMinutes()),
  ss: (date) => two(date.getUTCSeconds()),
  s: (date) => String(date.getUTCSeconds()),
  ZZZZZ: (_, offset) => (offset === 'Z' ? '+00:00' : offset),
  ZZZZ: (_, offset) => (offset === 'Z' ? '+0000' : offset.replace(':', '')),
  ZZZ: (_, offset) => (offset === 'Z' ? 'UTC' : offset.replace(':', '')),
  Z: (_, offset) => offset,
};

function formatTime(format: string, time: Time): Value {
  const date = shifted(time);
  return format.replaceAll(/'((?:[^']|'')*)'|([A-Za-z])\2*/g, (word: string, quoted?: string) => {
    if (quoted !== undefined) return quoted.replaceAll("''", "'");
    const part = Object.hasOwn(PARTS, word) ? PARTS[word] : undefined;
    if (part === undefined) throw new ValueError(`"${word}" is no part of a time`, "Put text between '…'.");
    return part(date, time.offset);
  });
}

/** Go's time.ParseDuration: `1h30m`, `-5s`, `250ms`. */
function milliseconds(duration: string): number {
  const units: Readonly<Record<string, number>> = {
    h: 3_600_000,
    m: 60_000,
    s: 1000,
    ms: 1,
    us: 1e-3,
    µs: 1e-3,
    ns: 1e-6,
  };
  if (!/^[+-]?(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(duration)) {
    throw new ValueError(`${shown(duration)} is no duration`, 'Write it as 1h30m or 45s.');
  }
  const pieces = duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g);
  const sum = [...pieces].reduce((total, [, count, unit = '']) => total + Number(count) * (units[unit] ?? 0), 0);
  return duration.startsWith('-') ? -sum : sum;
}

function partsOf(seconds: number): Value {
  const time = fromSeconds(seconds);
  const { date } = time;
  const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1);
  const week = isoWeek(date);
  return new Map<string, Value>([
    ['year', date.getUTCFullYear()],
    ['year_day', Math.floor((date.getTime() - yearStart) / 86_400_000) + 1],
    ['day', date.getUTCDate()],
    ['month', date.getUTCMonth() + 1],
    ['month_name', MONTHS[date.getUTCMonth()] ?? ''],
    ['weekday', date.getUTCDay()],
    ['weekday_name', DAYS[date.getUTCDay()] ?? ''],
    ['hour', date.getUTCHours()],
    ['minute', date.getUTCMinutes()],
    ['second', date.getUTCSeconds()],
    ['rfc3339', rfc3339(time)],
    ['iso_year', week.year],
    ['iso_week', week.week],
  ]);
}

/** ISO 8601: the week that has the year's first Thursday is its first. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * 86_400_000);
  const year = thursday.getUTCFullYear();
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 604_800_000) + 1 };
}
