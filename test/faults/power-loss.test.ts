import { execFileSync, spawnSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createToolchain } from '../../src/toolchain.js';
import { startScriptedRegistry } from '../../src/testing/scripted-registry.js';
import { FULL } from '../support/faults/sweep.js';
import { environmentOf, placeAt, pushApp } from '../support/faults/workload.js';
import { requirement } from '../support/require.js';
import { expectSoundStore } from '../support/store-oracle.js';
import { hasTools } from '../support/tools.js';
import { CLI } from '../support/tsbuild.js';

let folder: string;
const mounted: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-power-'));
});
afterEach(() => {
  for (const path of mounted.splice(0).reverse()) execFileSync('umount', [path]);
  rmSync(folder, { recursive: true, force: true });
});

function mount(image: string, at: string): void {
  mkdirSync(at, { recursive: true });
  // Without a journal commit of its own in the time of the test: what is on the disk is there because somebody synced.
  execFileSync('mount', ['-o', 'loop,commit=600', image, at]);
  mounted.push(at);
}

function unmount(at: string): void {
  execFileSync('umount', [at]);
  mounted.splice(mounted.indexOf(at), 1);
}

/** Mount namespaces that others made meanwhile, such as those of sandboxes, have the mount as well: it is in use until they end. */
async function untilUnused(image: string): Promise<void> {
  const isUsed = (): boolean => spawnSync('losetup', ['--associated', image]).stdout.length > 0;
  for (let waited = 0; isUsed(); waited += 100) {
    if (waited > 60_000) throw new Error(`${image} is still mounted somewhere`);
    await sleep(100);
  }
}

function loopsWork(): boolean {
  if (process.getuid?.() !== 0 || !hasTools('mkfs.ext4', 'losetup', 'fsck.ext4')) return false;
  return spawnSync('losetup', ['--find']).status === 0;
}

const loops = requirement(
  'loop-devices',
  loopsWork(),
  'a disk in a file is mounted, which root may where loop devices are',
);
describe.skipIf(loops.skip)(loops.skip ? `when the power fails (${loops.reason})` : 'when the power fails', () => {
  test(
    'at any moment of a pull, the store is sound after the journal; what was pulled is there',
    { timeout: 300_000 },
    async () => {
      const disk = join(folder, 'disk');
      execFileSync('truncate', ['-s', '48M', disk]);
      execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', '-E', 'lazy_itable_init=0', disk]);
      execFileSync('tune2fs', ['-O', 'has_journal', '-J', 'size=4', disk], { stdio: 'ignore' });
      const at = join(folder, 'at');
      mount(disk, at);
      const registry = await startScriptedRegistry();
      try {
        const place = { ...placeAt(folder, registry), store: join(at, 'store') };
        mkdirSync(place.work);
        await pushApp(place);
        const name = `${registry.host}/app:1`;
        const { spawn } = await import('node:child_process');
        const env = { PATH: process.env['PATH'] ?? '', ...environmentOf(place) };
        const child = spawn(process.execPath, [CLI, 'pull', '-q', name], { env, stdio: 'ignore' });
        const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
        const copies: string[] = [];
        let running = true;
        void ended.then(() => (running = false));
        while (running && copies.length < (FULL ? 60 : 6)) {
          const copy = join(folder, `copy${copies.length}`);
          copyStanding(disk, copy, child);
          copies.push(copy);
          await sleep(FULL ? 5 : 40);
        }
        expect(await ended).toBe(0);
        const last = join(folder, 'last');
        copyFileSync(disk, last);
        for (const copy of copies) await afterPowerFailure(copy, name);
        await afterPowerFailure(last, name, 'acknowledged');
      } finally {
        await registry[Symbol.asyncDispose]();
      }
    },
  );
});

/**
 * The disk as it is at one moment: what is copied while the kernel writes has the old of one block and the new of another, which no
 * power failure leaves.
 */
function copyStanding(disk: string, copy: string, writer: ChildProcess): void {
  writer.kill('SIGSTOP');
  do copyFileSync(disk, copy);
  while (spawnSync('cmp', ['--silent', disk, copy]).status !== 0);
  writer.kill('SIGCONT');
}

function blobsIn(store: string): number {
  const blobs = join(store, 'blobs/sha256');
  return existsSync(blobs) ? readdirSync(blobs).length : 0;
}

/** What the next boot finds: the journal is replayed by mounting. */
async function afterPowerFailure(image: string, name: string, state?: 'acknowledged'): Promise<void> {
  const at = `${image}-at`;
  mount(image, at);
  const store = join(at, 'store');
  expectSoundStore(store, { torn: true });
  const before = blobsIn(store);
  {
    await using tools = await createToolchain({ storeRoot: store, env: { HOME: at } });
    if (state === 'acknowledged') expect((await tools.images()).length).toBe(1);
    const { changed } = await tools.pull(name);
    if (state === 'acknowledged') expect(changed).toBe(false);
  }
  // Who stores a blob removes what the dead have left; who only lacked the name has no part in it.
  expectSoundStore(store, { settled: blobsIn(store) > before });
  unmount(at);
  await untilUnused(image);
  const fsck = spawnSync('fsck.ext4', ['-f', '-n', image], { encoding: 'utf8' });
  expect(fsck.status, fsck.stdout).toBe(0);
  rmSync(image);
}
