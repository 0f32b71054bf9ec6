import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOLDENS } from './case-folders.js';
import { caseDigest, type Case } from './case.js';
import type { Check, Outcome } from './outcome.js';

/** What BuildKit made of a case. */
export interface Golden {
  /** `caseDigest` of the case as it was. */
  readonly of: string;
  readonly outcome: Outcome;
  readonly checks?: readonly Check[];
}

export type Goldens = Readonly<Record<string, Golden>>;

const fileOf = (group: string): string => join(GOLDENS, `${group}.json`);

/** The golden of a case as it is now. @throws Error when there is none */
export function goldenOf(given: Case): Golden {
  const golden = readGoldens(given.group)[given.name];
  if (golden?.of === caseDigest(given)) return golden;
  throw new Error(`there is no golden of "${given.name}" as it is now: npm run conformance -- --record --missing`);
}

/** Of the cases of a group, by name. */
export function readGoldens(group: string): Goldens {
  if (!existsSync(fileOf(group))) return {};
  return (JSON.parse(readFileSync(fileOf(group), 'utf8')) as { readonly cases: Goldens }).cases;
}

export function writeGoldens(group: string, goldens: Goldens, version: string): void {
  mkdirSync(GOLDENS, { recursive: true });
  const cases = Object.fromEntries(Object.entries(goldens).sort(([left], [right]) => (left < right ? -1 : 1)));
  const about = `What BuildKit (Docker ${version}) makes of these cases. Made by npm run conformance -- --record.`;
  writeFileSync(fileOf(group), `${JSON.stringify({ about, cases }, null, 1)}\n`);
}
