import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callProgram } from '../../src/sandbox/calls/call-program.js';
import { EmulatorNamespace } from '../../src/sandbox/emulation/emulator-namespace.js';
import { installedEmulators } from '../../src/sandbox/emulation/installed-emulators.js';
import type { Machine } from '../../src/sandbox/calls/elf-program.js';

/** Programs without a library that make a file `/made`, or fail. */
export const MAKERS: Readonly<Record<'amd64' | 'arm64', Machine>> = {
  amd64: {
    elfMachine: 62,
    // open("/made", O_WRONLY|O_CREAT|O_TRUNC, 0644); exit(fd < 0)
    code: 'b802000000 488d3d18000000 be41020000 baa4010000 0f05 c1e81f 89c7 b8e7000000 0f05 2f6d61646500',
  },
  arm64: {
    elfMachine: 183,
    // openat(AT_FDCWD, "/made", O_WRONLY|O_CREAT|O_TRUNC, 0644); exit(fd >> 63)
    code: '600c8092 01010010 224880d2 833480d2 080780d2 010000d4 00fc7fd3 a80b80d2 010000d4 2f6d61646500',
  },
};

/** The one that this machine does not run by itself. */
export const FOREIGN_ARCHITECTURE: 'amd64' | 'arm64' = process.arch === 'arm64' ? 'amd64' : 'arm64';

/** Whether a step can register an emulator for that one. */
export async function canEmulate(): Promise<boolean> {
  if (!installedEmulators().some(({ kind }) => kind.architecture === FOREIGN_ARCHITECTURE)) return false;
  if (process.geteuid?.() !== 0) return true;
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-emulators-'));
  try {
    const program = join(directory, 'program');
    writeFileSync(program, callProgram(process.arch), { mode: 0o700 });
    await using _namespace = await EmulatorNamespace.open(program, directory);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const NO_EMULATOR = 'no emulator that a step can register (qemu-user-static, Linux 6.7)';
