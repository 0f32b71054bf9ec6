import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { elfProgram } from '../../../../src/sandbox/calls/elf-program.js';
import {
  emulatedArchitectures,
  emulationFor,
  type EmulatorsHere,
} from '../../../../src/sandbox/emulation/emulation.js';
import { registration } from '../../../../src/sandbox/emulation/emulator-namespace.js';
import {
  installedEmulators,
  isNative,
  needsNoLibraries,
} from '../../../../src/sandbox/emulation/installed-emulators.js';
import { PROCESSOR_KINDS, type ProcessorKind } from '../../../../src/sandbox/emulation/machines.js';
import { registeredEmulators, runsProgramsFor } from '../../../../src/sandbox/emulation/registered-emulators.js';

function kindOf(architecture: string): ProcessorKind {
  const kind = PROCESSOR_KINDS.find((one) => one.architecture === architecture);
  if (kind === undefined) throw new Error(`no ${architecture}`);
  return kind;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-emulation-'));
  writeFileSync(join(folder, 'register'), '');
  writeFileSync(join(folder, 'status'), 'enabled\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const S390X = '7f454c4602020100000000000000000000020016';
const MASK = 'fffffffffffffffcfffffffffffffffffffeffff';

function entry(name: string, flags: string, text = `offset 0\nmagic ${S390X}\nmask ${MASK}\n`): void {
  writeFileSync(join(folder, name), `enabled\ninterpreter /usr/bin/qemu-s390x\nflags: ${flags}\n${text}`);
}

describe('registered emulators', () => {
  test('are told by the programs that they take, not by their names', () => {
    entry('some-name', 'OCF');
    const [emulator] = registeredEmulators(folder);
    expect(emulator).toMatchObject({ name: 'some-name', interpreter: '/usr/bin/qemu-s390x', isOpen: true, offset: 0 });
    const taken = PROCESSOR_KINDS.filter((kind) => emulator !== undefined && runsProgramsFor(emulator, kind));
    expect(taken.map(({ architecture }) => architecture)).toEqual(['s390x']);
  });

  test('are none where they are switched off, one of them or all', () => {
    entry('one', 'F');
    writeFileSync(join(folder, 'two'), `disabled\ninterpreter /x\nflags: F\noffset 0\nmagic ${S390X}\n`);
    entry('three', 'F', 'extension .jar\n');
    expect(registeredEmulators(folder).map(({ name }) => name)).toEqual(['one']);
    writeFileSync(join(folder, 'status'), 'disabled\n');
    expect(registeredEmulators(folder)).toEqual([]);
    expect(registeredEmulators(join(folder, 'missing'))).toEqual([]);
  });
});

test('a registration is that of the distributions, but that the path is opened at once', () => {
  const line = Buffer.from(registration({ kind: kindOf('arm64'), program: '/usr/bin/qemu-aarch64-static' }));
  expect(line.toString()).toBe(
    String.raw`:tsbuild-arm64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:FOCP`,
  );
});

test('the kernel takes every registration: none is longer than it allows', () => {
  for (const kind of PROCESSOR_KINDS)
    expect(registration({ kind, program: `/${'x'.repeat(126)}` }).length).toBeLessThan(1920);
});

describe('installed emulators', () => {
  test('are programs that need no libraries', () => {
    const program = Buffer.from(elfProgram({ elfMachine: 62, code: '90' }));
    writeFileSync(join(folder, 'static'), program);
    program.writeUInt32LE(3, 64);
    writeFileSync(join(folder, 'dynamic'), program);
    writeFileSync(join(folder, 'script'), '#!/bin/sh\n');
    expect(['static', 'dynamic', 'script'].map((name) => needsNoLibraries(join(folder, name)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("are for other processors than this machine's", () => {
    for (const name of ['qemu-s390x', 'qemu-x86_64-static', 'qemu-aarch64-static']) {
      writeFileSync(join(folder, name), elfProgram({ elfMachine: 62, code: '90' }), { mode: 0o755 });
    }
    const found = installedEmulators([folder]).map(({ kind, program }) => [kind.architecture, program]);
    expect(found).toContainEqual(['s390x', join(folder, 'qemu-s390x')]);
    expect(found.some(([architecture]) => isNative(architecture ?? ''))).toBe(false);
  });
});

describe('emulationFor', () => {
  const none: EmulatorsHere = { registered: [], installed: [] };
  const installed = [{ kind: kindOf('s390x'), program: '/usr/bin/qemu-s390x-static' }];
  const registered = (flags: string): EmulatorsHere['registered'] => {
    entry('q', flags);
    return registeredEmulators(folder);
  };
  const own = isNative('amd64') ? 'linux/amd64' : 'linux/arm64/v8';

  test.each<{ name: string; platform: string; here: () => EmulatorsHere; emulates?: boolean; expected: unknown }>([
    { name: "this machine's own", platform: own, here: () => none, expected: { kind: 'native' } },
    {
      name: 'one that is registered and open',
      platform: 'linux/s390x',
      here: () => ({ registered: registered('F'), installed }),
      expected: { kind: 'registered' },
    },
    {
      name: 'one that is installed, before one that the image has to have',
      platform: 'linux/s390x',
      here: () => ({ registered: registered(''), installed }),
      expected: { kind: 'own' },
    },
    {
      name: 'one that the image has to have, where the sandbox registers none',
      platform: 'linux/s390x',
      here: () => ({ registered: registered(''), installed }),
      emulates: false,
      expected: { kind: 'registered', interpreter: '/usr/bin/qemu-s390x' },
    },
  ])('$name', ({ platform, here, emulates = true, expected }) => {
    expect(emulationFor(platform, { emulates, here })).toEqual(expected);
  });

  test.each<{ platform: string; here?: EmulatorsHere; message: string; hint: string }>([
    {
      platform: 'linux/s390x',
      message: 'cannot run steps for "linux/s390x": this machine has no emulator for it',
      hint: 'Install the package "qemu-user-static"',
    },
    {
      platform: 'linux/s390x',
      here: { registered: [], installed },
      message: 'cannot run steps for "linux/s390x": the emulator is installed, and not registered',
      hint: '--isolation namespaces',
    },
    { platform: 'linux/wasm', message: 'cannot run steps for "linux/wasm"', hint: 'qemu-user-static' },
    { platform: 'windows/amd64', message: 'this machine runs Linux programs', hint: 'on such a machine' },
  ])('says why nothing runs for $platform', ({ platform, here = none, message, hint }) => {
    const call = (): unknown => emulationFor(platform, { emulates: false, here: () => here });
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code: 'SANDBOX_UNAVAILABLE', hint: expect.stringContaining(hint) }));
  });

  test('what can be run for is what is installed, or registered for all root file systems', () => {
    expect(emulatedArchitectures({ registered: registered(''), installed: [] })).toEqual([]);
    expect(emulatedArchitectures({ registered: registered('F'), installed: [] })).toEqual(['s390x']);
    expect(emulatedArchitectures({ registered: [], installed })).toEqual(['s390x']);
  });
});
