import { assemble, branch, FIELD, finish, load, OUTCOME, type Program } from './bpf.js';
import { NEW_NAMESPACES, PERSONALITIES, REFUSED_SOCKET_FAMILIES } from './conditions.js';
import { LAST_KNOWN_CALL, syscallNumbers, type InstructionSet } from './syscall-table.js';

/** AUDIT_ARCH_* of linux/audit.h, which seccomp_data.arch carries. */
const AUDIT_ARCHITECTURE: Readonly<Record<InstructionSet, number>> = {
  x86_64: 0xc000003e,
  i386: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};

/** Which programs run on a kernel of Node's architecture: native ones and their 32-bit elders. */
const INSTRUCTION_SETS: Readonly<Record<string, readonly InstructionSet[]>> = {
  x64: ['x86_64', 'i386'],
  arm64: ['aarch64', 'arm'],
};

const allow = finish(OUTCOME.allow);
const notPermitted = finish(OUTCOME.notPermitted);
const notImplemented = finish(OUTCOME.notImplemented);

/**
 * Calls that depend on their first argument. It is looked at as the 32 bits that the kernel itself takes it for, where
 * libseccomp compares 64 and lets `socket(1 << 32 | AF_VSOCK)` through.
 */
const CONDITIONAL: ReadonlyMap<string, Program> = new Map([
  [
    'clone',
    load(
      FIELD.firstArgument,
      branch({ when: 'anyBitOf', value: NEW_NAMESPACES, then: notPermitted, otherwise: allow }),
    ),
  ],
  // Its flags are in memory, which a filter cannot read: the C library then falls back to clone.
  ['clone3', notImplemented],
  ['socket', load(FIELD.firstArgument, oneOf(REFUSED_SOCKET_FAMILIES, notPermitted, allow))],
  ['personality', load(FIELD.firstArgument, oneOf(PERSONALITIES, allow, notPermitted))],
]);

function oneOf(values: readonly number[], then: Program, otherwise: Program): Program {
  return values.reduceRight<Program>(
    (rest, value) => branch({ when: 'equal', value, then, otherwise: rest }),
    otherwise,
  );
}

/** From `first` on, up to the next one. */
interface Range {
  readonly first: number;
  readonly program: Program;
}

/**
 * Docker's default seccomp profile for its default capabilities, as a program for seccomp(2) on a machine of Node's
 * `architecture`. What the profile does not name fails with EPERM; calls newer than the profile fail with ENOSYS, as runc
 * has it, so that C libraries fall back to older ones.
 */
export function dockerSeccompFilter(architecture: string): Uint8Array {
  const sets = INSTRUCTION_SETS[architecture];
  if (sets === undefined) throw new Error(`no seccomp rules for ${architecture}`);
  const dispatch = sets.reduceRight<Program>(
    (otherwise, set) =>
      branch({
        when: 'equal',
        value: AUDIT_ARCHITECTURE[set],
        then: load(FIELD.number, search(rangesOf(set))),
        otherwise,
      }),
    finish(OUTCOME.kill),
  );
  return assemble(load(FIELD.architecture, dispatch));
}

function rangesOf(set: InstructionSet): readonly Range[] {
  const programs = new Map<number, Program>();
  for (const [name, number] of syscallNumbers(set)) programs.set(number, CONDITIONAL.get(name) ?? allow);
  const beyond = (number: number): Program => (number > LAST_KNOWN_CALL ? notImplemented : notPermitted);
  const ranges: Range[] = [{ first: 0, program: programs.get(0) ?? notPermitted }];
  const starts = [...programs.keys()].flatMap((number) => [number, number + 1]);
  for (const first of [...new Set([...starts, LAST_KNOWN_CALL + 1])].sort((a, b) => a - b)) {
    const program = programs.get(first) ?? beyond(first);
    if (first > 0 && ranges.at(-1)?.program !== program) ranges.push({ first, program });
  }
  return ranges;
}

/** Binary search: the kernel runs the filter at every call that is not always allowed. */
function search(ranges: readonly Range[]): Program {
  const middle = ranges.length >> 1;
  const [single, upper] = [ranges[0], ranges[middle]];
  if (single === undefined || upper === undefined || middle === 0) return single?.program ?? notPermitted;
  return branch({
    when: 'atLeast',
    value: upper.first,
    then: search(ranges.slice(middle)),
    otherwise: search(ranges.slice(0, middle)),
  });
}
