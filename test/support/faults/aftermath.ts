import { lstatSync, readdirSync, readFileSync, readlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest, type Digest } from '../../../src/oci/digest.js';
import { collectGarbage } from '../../../src/store/garbage/collect.js';
import { openStore } from '../../../src/store/open-store.js';
import { expectSoundStore } from '../store-oracle.js';
import { tsbuild } from '../tsbuild.js';
import { commandOf, type Place, type Workload } from './workload.js';

/** Milliseconds: what a killed process leaves is gone by then, for the kernel ends it. */
const PATIENCE = 2000;

/** Processes that work in a folder, or see mounts below it. */
export async function expectNobodyLeft(folder: string): Promise<void> {
  for (let waited = 0; ; waited += 50) {
    const left = processesIn(folder);
    if (left.length === 0) return;
    if (waited >= PATIENCE) throw new Error(`still there ${PATIENCE} ms later: ${left.join('; ')}`);
    await sleep(50);
  }
}

function processesIn(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [command, mounts, cwd] = [`${pid}/cmdline`, `${pid}/mountinfo`]
        .map((file) => readIfThere(join('/proc', file)))
        .concat(linkOf(pid));
      return [command, mounts, cwd].some((text) => text?.includes(`${folder}/`) === true)
        ? [`process ${pid}: ${String(command).replaceAll('\0', ' ')}`]
        : [];
    });
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile, or is another user's.
    return '';
  }
}

function linkOf(pid: string): string {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`;
  } catch {
    return '';
  }
}

export interface Outcome {
  /** Of the workload when nothing disturbs it. */
  readonly expected: string;
}

/**
 * Holds a place to what must be true after anything at all: the store is sound at once, nobody is left, the same command then
 * succeeds with the same result, and what is unfinished goes in the end.
 */
export async function expectRecovery(workload: Workload, place: Place, { expected }: Outcome): Promise<void> {
  if (workload.repairs !== true) expectSoundStore(place.store);
  await expectNobodyLeft(place.folder);
  const { args, env, cwd } = commandOf(workload, place);
  const { exitCode, stderr } = await tsbuild(args, { env, cwd });
  const done = workload.doneSays !== undefined && stderr.includes(workload.doneSays);
  if (exitCode !== 0 && !done) throw new Error(`the command does not succeed afterwards: ${exitCode} ${stderr}`);
  const found = await workload.result(place);
  if (found !== expected) throw new Error(`the command then gives ${found}, not ${expected}`);
  await expectNothingStays(workload, place);
}

/** When its time has come, the next of the same command, and a collection, remove all that is unfinished. */
async function expectNothingStays(workload: Workload, place: Place): Promise<void> {
  const { store, work } = place;
  const longAgo = new Date(Date.now() - 48 * 3_600_000);
  for (const path of unfinishedIn(store)) utimesSync(join(store, path), longAgo, longAgo);
  const beside = unfinishedIn(work);
  for (const path of beside) utimesSync(join(work, path), longAgo, longAgo);
  if (beside.length > 0) {
    const { args, env, cwd } = commandOf(workload, place);
    await tsbuild(args, { env, cwd });
  }
  {
    using opened = await openStore(store);
    await collectGarbage({ store: opened, keepRecord: mentionedIn });
  }
  expectSoundStore(store, { settled: true });
  const left = [...unfinishedIn(store), ...unfinishedIn(work)];
  if (left.length > 0) throw new Error(`this stays for ever: ${left.join(', ')}`);
}

function mentionedIn(record: unknown): readonly Digest[] {
  const words: readonly string[] = JSON.stringify(record).match(/sha256:[0-9a-f]{64}/g) ?? [];
  return words.filter(isDigest);
}

/** Files that somebody has not finished, below a folder. */
function unfinishedIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => {
    if (/^snapshots\//.test(path) || lstatSync(join(folder, path)).isDirectory()) return false;
    return /\.(unfinished|partial)$|^tmp\/|^locks\/work\/|^corrupt\//.test(path);
  });
}
