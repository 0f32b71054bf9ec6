import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch } from 'node:process';
import PQueue from 'p-queue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requirement } from '../support/require.js';
import { openLocalBuilder, type LocalBuilder } from './build-here.js';
import { allCases } from './case-folders.js';
import type { Case } from './case.js';
import { goldenOf, readGoldens, type Golden } from './goldens.js';
import { judge } from './judge.js';
import { pendingCases } from './pending.js';
import { prepareCase } from './prepared-case.js';
import { hasGit, startServer, type CaseServer } from './servers.js';

const cases = allCases();
const goldens = new Map<string, Golden>(
  [...new Set(cases.map(({ group }) => group))].flatMap((group) => Object.entries(readGoldens(group))),
);

const pending = pendingCases();
const amd64 = requirement('amd64', arch === 'x64', 'the goldens are of linux/amd64');
const sandbox = requirement('sandbox', canSandbox(), 'RUN needs root or a user namespace');
const root = requirement('root', process.getuid?.() === 0, 'shows what only root may do');
const git = requirement('git', hasGit, 'there is no git');

let work: string;
let server: CaseServer;
let local: LocalBuilder;
/** For a second run of the same tests by another user. */
const every = Math.max(1, Number(process.env['TSBUILD_CONFORMANCE_EVERY'] ?? 1) || 1);
/** More at once than cores: much of a build is waiting. */
const queue = new PQueue({ concurrency: 3 });

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'tsbuild-conformance-'));
  server = await startServer();
  local = await openLocalBuilder(join(work, 'store'));
});
afterAll(async () => {
  await local[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

test('there is a golden of every case, and no other', () => {
  expect([...goldens.keys()].sort()).toEqual(cases.map(({ name }) => name).sort());
});

test('BuildKit took every case as the case says', () => {
  const taken = cases.map(({ name, expect: expected }) => ({ name, expected }));
  expect(taken.filter(({ name, expected }) => goldens.get(name)?.outcome.kind !== expected)).toEqual([]);
});

test('every case that waits for something is a case', () => {
  const names = new Set(cases.map(({ name }) => name));
  expect([...pending].filter((name) => !names.has(name))).toEqual([]);
});

describe.concurrent('as BuildKit:', () => {
  for (const [number, given] of cases.entries()) {
    const missing =
      number % every === 0 ? missingFor(given) : `one in ${every} is enough here: TSBUILD_CONFORMANCE_EVERY`;
    const title = `${given.name}: ${given.title}${missing === undefined ? '' : ` (${missing})`}`;
    test.skipIf(missing !== undefined)(title, { timeout: 600_000 }, async ({ expect: expectHere }) => {
      const golden = goldenOf(given);
      const ours = await queue.add(async () => {
        const prepared = await prepareCase(given, { work, server });
        const outcome = await local.build(prepared);
        return { outcome, checks: given.checks ? await local.check(prepared) : null };
      });
      const isPending = pending.has(given.name);
      const { judgement, report } = judge(given, { ours, theirs: golden, isPending });
      if (judgement === 'differs') expectHere(report.join('\n')).toBe('');
      expectHere(judgement).toBe(given.differs !== undefined ? 'declared' : isPending ? 'pending' : 'agrees');
    });
  }
});

/** What this machine lacks for a case, in words. */
function missingFor({ entries, needsRoot }: Case): string | undefined {
  if (amd64.skip) return amd64.reason;
  if (needsRoot && root.skip) return root.reason;
  if (git.skip && entries.some(({ root }) => root === 'git')) return git.reason;
  return sandbox.skip && entries.some(isDockerfileWithRun) ? sandbox.reason : undefined;
}

function isDockerfileWithRun({ path, content }: Case['entries'][number]): boolean {
  if (!/dockerfile/i.test(path) || content.kind !== 'file') return false;
  return /^\s*(ONBUILD\s+)?RUN\b|conformance\/onbuild/im.test(Buffer.from(content.bytes).toString());
}

function canSandbox(): boolean {
  const isRoot = process.getuid?.() === 0;
  if (!existsSync('/usr/bin/unshare')) return isRoot;
  return isRoot || spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;
}
