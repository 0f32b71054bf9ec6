import { shown, ValueError } from '../value.js';

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly prerelease: string;
  /** How many of the numbers are given. */
  readonly given: number;
}

const VERSION = /^v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Whether a version is within a range: `>=1.2, <2`, `^1.2`, `~1.2.3`, `1.x`, `1.2 - 1.4`, alternatives with `||`.
 * @throws `ValueError`
 */
export function semverMatches(versionText: string, range: string): boolean {
  const version = parseVersion(versionText);
  if (version.given < 1) throw noVersion(versionText);
  return range.split('||').some((alternative) => {
    const comparisons = alternative.replaceAll(/(\S+)\s+-\s+(\S+)/g, '>=$1 <=$2').match(/[=!<>~^]*\s*[^\s,=!<>~^]+/g);
    if (comparisons === null) throw new ValueError(`${shown(range)} is no range of versions`);
    return comparisons.every((comparison) => isWithin(version, comparison));
  });
}

function parseVersion(text: string): Version {
  const [match, ...parts] = VERSION.exec(text.trim()) ?? [];
  if (match === undefined) throw noVersion(text);
  const firstWild = parts.slice(0, 3).findIndex((part: string | undefined) => part === undefined || /[xX*]/.test(part));
  const given = firstWild < 0 ? 3 : firstWild;
  const at = (index: number): number => (index < given ? Number(parts[index]) : 0);
  return { numbers: [at(0), at(1), at(2)], prerelease: parts[3] ?? '', given };
}

function noVersion(text: string): ValueError {
  return new ValueError(`${shown(text)} is no version`, 'Write it as 1.2.3.');
}

function isWithin(version: Version, comparison: string): boolean {
  const [, operator = '', text = ''] = /^([=!<>~^]*)\s*(.*)$/.exec(comparison) ?? [];
  const compared = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  if (compared === undefined) throw new ValueError(`"${operator}" compares no versions`);
  const bound = parseVersion(text);
  // A range without a prerelease is none of prereleases.
  if (version.prerelease !== '' && bound.prerelease === '') return operator === '!=';
  return compared(version, bound);
}

type Comparison = (version: Version, bound: Version) => boolean;

/** From the bound up to the next version that differs in that number. */
const upTo = (version: Version, bound: Version, place: number): boolean =>
  compare(version, bound) >= 0 && compare(version, bumped(bound, place)) < 0;
const same: Comparison = (version, bound) =>
  bound.given === 3 ? compare(version, bound) === 0 : upTo(version, bound, bound.given);
const atLeast: Comparison = (version, bound) => compare(version, bound) >= 0;
const above: Comparison = (version, bound) =>
  bound.given === 3 ? compare(version, bound) > 0 : compare(version, bumped(bound, bound.given)) >= 0;
const tilde: Comparison = (version, bound) => upTo(version, bound, Math.min(bound.given, 2));

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '': same,
  '=': same,
  '!=': (version, bound) => !same(version, bound),
  '>': above,
  '<': (version, bound) => !atLeast(version, bound),
  '>=': atLeast,
  '=>': atLeast,
  '<=': (version, bound) => !above(version, bound),
  '=<': (version, bound) => !above(version, bound),
  '~': tilde,
  '~>': tilde,
  '^': (version, bound) => upTo(version, bound, caretPlace(bound)),
};

/** `^` keeps the first number that is not zero. */
function caretPlace({ numbers, given }: Version): number {
  const place = numbers.findIndex((number) => number !== 0) + 1;
  return Math.min(place === 0 ? 3 : place, given);
}

/** The next version that differs in that number; beyond all, where none is given. */
function bumped({ numbers }: Version, place: number): Version {
  const [major, minor, patch] = numbers;
  const next: readonly (readonly [number, number, number])[] = [
    [Number.POSITIVE_INFINITY, 0, 0],
    [major + 1, 0, 0],
    [major, minor + 1, 0],
    [major, minor, patch + 1],
  ];
  return { numbers: next[place] ?? numbers, prerelease: '', given: 3 };
}

function compare(left: Version, right: Version): number {
  for (const [index, number] of left.numbers.entries()) {
    const other = right.numbers[index] ?? 0;
    if (number !== other) return number < other ? -1 : 1;
  }
  return comparePrerelease(left.prerelease, right.prerelease);
}

/** semver.org, 11 */
function comparePrerelease(left: string, right: string): number {
  if (left === right) return 0;
  if (left === '' || right === '') return left === '' ? 1 : -1;
  const [mine, others] = [left.split('.'), right.split('.')];
  for (const [index, part] of mine.entries()) {
    const other = others[index];
    if (other === undefined) return 1;
    if (part !== other) return compareIdentifiers(part, other);
  }
  return -1;
}

/** Numbers come before words. */
function compareIdentifiers(left: string, right: string): number {
  const [isNumber, otherIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
  return (isNumber ? Number(left) < Number(right) : left < right) ? -1 : 1;
}
