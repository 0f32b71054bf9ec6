import { constants } from 'node:os';
import { setupFailure } from '../attempt.js';
import { otherCapabilities, PR_CAPBSET_DROP } from '../capabilities.js';
import { refusedProgram, REFUSALS, type MissingProgram } from '../find-program.js';
import { limitValue, RESOURCES } from '../limits.js';
import { cannotBecome, type Rights } from '../privileges.js';
import type { RunSpec } from '../run-spec.js';
import { STEP_DESCRIPTORS, type Pointers, type StepCall } from './step-program.js';

/** A call, and what to say when it fails. */
export interface NamedCall extends StepCall {
  readonly meaning: { readonly type: 'setup'; readonly what: string } | { readonly type: 'user' | 'program' };
}

export interface StepSettings {
  readonly spec: RunSpec;
  /** Found in the step's root file system. */
  readonly program: string;
  readonly capabilities: bigint;
  readonly groups: Rights['groups'];
}

const CAPABILITY_VERSION_3 = 0x20080522;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * What is left to do in the step's own process, in the order it has to be done in. Limits come as late as that: a runtime might
 * not live with them. So do user and groups, which bubblewrap cannot set, and of which runtimes complain in words of their own.
 */
export function stepCalls({ spec, program, capabilities, groups }: StepSettings): readonly NamedCall[] {
  const { argv, env, cwd, limits, user } = spec;
  const { stdout, stderr } = STEP_DESCRIPTORS;
  return [
    // Of its own, without a terminal that keys could be pushed into (TIOCSTI, CVE-2017-5226).
    setup('start a session', 'setsid', []),
    setup('connect the output', 'dup3', [stdout, 1, 0]),
    setup('connect the output', 'dup3', [stderr, 2, 0]),
    ...Object.values(STEP_DESCRIPTORS).map((fd) => setup('keep descriptors', 'fcntl', [fd, F_SETFD, FD_CLOEXEC])),
    setup('set the umask', 'umask', [0o022]),
    setup(`enter the working directory "${cwd}"`, 'chdir', [terminated(cwd)]),
    ...limits.map(({ name, soft, hard }) =>
      setup(`set limit "${name}"`, 'prlimit64', [0, RESOURCES.indexOf(name), limit(soft, hard), 0]),
    ),
    // bubblewrap leaves root all bounds, and its capabilities inheritable (CVE-2022-27651).
    ...otherCapabilities(capabilities).map((n) => setup('limit capabilities', 'prctl', [PR_CAPBSET_DROP, n])),
    setup('limit capabilities', 'capset', capabilitySets(capabilities)),
    ...(groups === 'settable' && user.keepsGroups !== true
      ? [asUser('setgroups', [user.groups.length, words(user.groups.map((id) => [id, 4] as const))])]
      : []),
    asUser('setresgid', [user.gid, user.gid, user.gid]),
    asUser('setresuid', [user.uid, user.uid, user.uid]),
    {
      name: 'execve',
      arguments: [terminated(program), list(argv), list(environment(env))],
      meaning: { type: 'program' },
    },
  ];
}

function setup(what: string, name: string, given: StepCall['arguments']): NamedCall {
  return { name, arguments: given, meaning: { type: 'setup', what } };
}

function asUser(name: string, given: StepCall['arguments']): NamedCall {
  return { name, arguments: given, meaning: { type: 'user' } };
}

const terminated = (text: string): Uint8Array => Buffer.from(`${text}\0`);
const list = (texts: readonly string[]): Pointers => ({ strings: texts.map((text) => Buffer.from(text)) });

function environment(env: RunSpec['env']): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/** Little-endian words, each with its size in bytes. */
function words(values: readonly (readonly [value: number | bigint, bytes: 4 | 8])[]): Uint8Array {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const word = Buffer.alloc(bytes);
      if (bytes === 4) word.writeUInt32LE(Number(value));
      else word.writeBigUInt64LE(BigInt(value));
      return word;
    }),
  );
}

/** `struct rlimit64` of prlimit(2). */
function limit(soft: number, hard: number): Uint8Array {
  return words([
    [limitValue(soft), 8],
    [limitValue(hard), 8],
  ]);
}

/** Effective, permitted, inheritable: the low words of all three, then the high ones (capset(2)). */
function capabilitySets(set: bigint): readonly Uint8Array[] {
  const half = (shift: bigint): readonly (readonly [bigint, 4])[] => {
    const word = (set >> shift) & 0xffffffffn;
    return [[word, 4] as const, [word, 4] as const, [0n, 4] as const];
  };
  const header = words([
    [CAPABILITY_VERSION_3, 4],
    [0, 4],
  ]);
  return [header, words([...half(0n), ...half(32n)])];
}

/** What it means that one of the calls failed: there is no such program, as a shell would say it, or an error. */
export function explainFailure(call: NamedCall, errno: number, { argv, user }: RunSpec): MissingProgram {
  const code = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
  const { meaning } = call;
  switch (meaning.type) {
    case 'program':
      if (REFUSALS.has(code)) return refusedProgram(argv[0], code);
      throw setupFailure(`start "${argv[0]}"`, code);
    case 'user':
      throw cannotBecome(user, code);
    case 'setup':
      throw setupFailure(meaning.what, code);
  }
}
