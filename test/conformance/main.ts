// `npm run conformance [-- --record [--missing]] [WORD...]`; README.md says what it does.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { BuildKit, type DockerSettings } from './build-there.js';
import { openLocalBuilder, type LocalBuilder } from './build-here.js';
import { allCases } from './case-folders.js';
import { caseDigest, type Case } from './case.js';
import { goldenOf, readGoldens, writeGoldens, type Golden } from './goldens.js';
import { judge, type Verdict } from './judge.js';
import { pendingCases } from './pending.js';
import { prepareCase } from './prepared-case.js';
import { startServer, type CaseServer } from './servers.js';

interface Run {
  readonly cases: readonly Case[];
  readonly work: string;
  readonly server: CaseServer;
  readonly local: LocalBuilder;
  /** `null`: the goldens stand in. */
  readonly buildKit: BuildKit | null;
}

function dockerSettings(env: NodeJS.ProcessEnv): DockerSettings | null {
  const program = env['TSBUILD_CONFORMANCE_DOCKER'];
  if (program === undefined && env['DOCKER_HOST'] === undefined) return null;
  const [here, there] = env['TSBUILD_CONFORMANCE_PATHS']?.split('=') ?? [];
  const mapping = here === undefined || there === undefined ? undefined : { here, there };
  return { command: program?.split(' ') ?? ['docker'], mapping, env };
}

/** The cases whose names hold one of the words, all of them without one; or those of them that have no golden. */
function chosen(words: readonly string[], isMissing: boolean): readonly Case[] {
  const cases = allCases().filter((given) => !isMissing || !hasGolden(given));
  return words.length === 0 ? cases : cases.filter(({ name }) => words.some((word) => name.includes(word)));
}

function hasGolden(given: Case): boolean {
  return readGoldens(given.group)[given.name]?.of === caseDigest(given);
}

async function theirs(run: Run, given: Case): Promise<Golden> {
  if (run.buildKit === null) return goldenOf(given);
  const prepared = await prepareCase(given, { work: join(run.work, 'there'), server: run.server });
  const outcome = await run.buildKit.build(prepared);
  if (outcome.kind !== given.expect) {
    const said = outcome.kind === 'failure' ? `: ${outcome.error}` : '';
    throw new Error(`"${given.name}" expects ${given.expect}, and BuildKit gives ${outcome.kind}${said}`);
  }
  const recorded = { of: caseDigest(given), outcome };
  return given.checks ? { ...recorded, checks: await run.buildKit.check(prepared) } : recorded;
}

/** @returns how many cases BuildKit took otherwise than they say */
async function record(run: Run): Promise<number> {
  const goldens = new Map<string, Record<string, Golden>>();
  let failed = 0;
  await eachCase(run.cases, 3, async (given) => {
    const group = goldens.get(given.group) ?? {};
    goldens.set(given.group, group);
    try {
      group[given.name] = await theirs(run, given);
    } catch (error) {
      failed += 1;
      console.log(`${given.name}: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
    }
  });
  const names = new Set(allCases().map(({ name }) => name));
  for (const [group, recorded] of goldens) {
    const kept = Object.entries(readGoldens(group)).filter(([name]) => names.has(name));
    writeGoldens(group, { ...Object.fromEntries(kept), ...recorded }, run.buildKit?.version ?? '');
  }
  console.log(`${run.cases.length - failed} recorded, ${failed} not`);
  return failed;
}

async function compare(run: Run): Promise<number> {
  const verdicts: Verdict[] = [];
  const pending = pendingCases();
  await eachCase(run.cases, 2, async (given) => {
    try {
      const expected = await theirs(run, given);
      const prepared = await prepareCase(given, { work: join(run.work, 'here'), server: run.server });
      const ours = {
        outcome: await run.local.build(prepared),
        checks: given.checks ? await run.local.check(prepared) : null,
      };
      verdicts.push(judge(given, { ours, theirs: expected, isPending: pending.has(given.name) }));
    } catch (error) {
      verdicts.push({ case: given, judgement: 'differs', report: [`  ${String(error)}`] });
    }
  });
  return report(verdicts);
}

async function eachCase(cases: readonly Case[], concurrency: number, action: (given: Case) => Promise<void>) {
  const queue = new PQueue({ concurrency });
  let done = 0;
  const counted = async (given: Case): Promise<void> => {
    await action(given);
    done += 1;
    if (done % 50 === 0) console.log(`${done} of ${cases.length}`);
  };
  await queue.addAll(cases.map((given) => () => counted(given)));
}

function report(verdicts: readonly Verdict[]): number {
  const of = (...kinds: readonly string[]) => verdicts.filter(({ judgement }) => kinds.includes(judgement));
  const different = of('differs', 'stale');
  for (const { case: given, judgement, report: lines } of different) {
    console.log(`\n${given.name} (${given.group}): ${given.title}`);
    const reason = given.differs ?? 'take it off pending.txt';
    console.log(judgement === 'stale' ? `  no longer differs: ${reason}` : lines.join('\n'));
  }
  const agreed = of('agrees').length;
  const percent = ((100 * agreed) / verdicts.length).toFixed(1);
  const kinds = [`${agreed} agree (${percent} %)`, `${of('declared').length} differ on purpose`];
  const pending = of('pending').length;
  if (pending > 0) kinds.push(`${pending} are pending`);
  console.log(`\n${verdicts.length} cases: ${kinds.join(', ')}, ${different.length} differ`);
  return different.length;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { record: { type: 'boolean', default: false }, missing: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const settings = dockerSettings(process.env);
  if (values.record && settings === null) throw new Error('recording needs BuildKit: set DOCKER_HOST');
  const parent = process.env['TSBUILD_CONFORMANCE_WORK'] ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, 'conformance-'));
  try {
    await using server = await startServer();
    await using local = await openLocalBuilder(join(work, 'store'));
    const buildKit = settings === null ? null : await BuildKit.open(settings, local.bases);
    console.log(buildKit === null ? 'against the goldens' : `against Docker ${buildKit.version}`);
    const run = { cases: chosen(positionals, values.missing), work, server, local, buildKit };
    return await (values.record ? record(run) : compare(run));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.exitCode = (await main()) === 0 ? 0 : 1;
