import { expect, test } from 'vitest';
import { DEFAULT_CAPABILITY_SET } from '../../../../src/sandbox/rights/capabilities.js';
import { bundleConfig } from '../../../../src/sandbox/runtime/oci-bundle.js';
import { dockerSeccompFilter } from '../../../../src/sandbox/seccomp/docker-filter.js';
import { runtimeSeccomp, type RuntimeSeccomp } from '../../../../src/sandbox/seccomp/runtime-rules.js';
import { syscallNumbers } from '../../../../src/sandbox/seccomp/syscall-table.js';
import { OUTCOME } from '../../../../src/sandbox/seccomp/bpf.js';
import { interpret } from '../seccomp/interpret-filter.js';

const settings = { root: '/r', args: ['/proc/self/fd/3'], architecture: 'x64', capabilities: DEFAULT_CAPABILITY_SET };

test("a bundle has Docker's capabilities, masked and read-only paths, and its rules of system calls", () => {
  const config = bundleConfig({ ...settings, spec: { hostname: 'step', privileged: false } });
  expect(config).toMatchObject({
    hostname: 'step',
    root: { path: '/r', readonly: false },
    process: { args: ['/proc/self/fd/3'], env: [], noNewPrivileges: false },
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 } },
  });
  const { process: started, linux } = config as unknown as Record<string, Record<string, unknown>>;
  const capabilities = started?.['capabilities'] as Record<string, string[]>;
  expect(Object.keys(capabilities)).toEqual(['bounding', 'effective', 'permitted']);
  for (const set of Object.values(capabilities)) {
    expect([...set].sort()).toEqual(
      'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
        .split(' ')
        .map((name) => `CAP_${name}`),
    );
  }
  expect(linux?.['maskedPaths']).toContain('/proc/kcore');
  expect(linux?.['readonlyPaths']).toContain('/proc/sys');
});

test('without walls there are no masks and no rules', () => {
  const { linux } = bundleConfig({ ...settings, spec: { hostname: 'step', privileged: true } });
  expect(Object.keys(linux as object)).toEqual(['namespaces']);
});

type Rule = RuntimeSeccomp['syscalls'][number];

/** As libseccomp takes the rules: the first that fits, else what is usual. */
function ruled({ syscalls, defaultErrnoRet }: RuntimeSeccomp, name: string, argument: bigint): number | 'allow' {
  const fits = ({ names, args = [] }: Rule): boolean =>
    names.includes(name) && args.every(({ value, valueTwo = -1 }) => (argument & BigInt(value)) === BigInt(valueTwo));
  const rule = syscalls.find(fits);
  if (rule === undefined) return defaultErrnoRet;
  return rule.action === 'SCMP_ACT_ALLOW' ? 'allow' : (rule.errnoRet ?? defaultErrnoRet);
}

const OUTCOMES: Readonly<Record<number, number | 'allow'>> = {
  [OUTCOME.allow]: 'allow',
  [OUTCOME.notPermitted]: 1,
  [OUTCOME.notImplemented]: 38,
};
const ARGUMENTS = [0n, 1n, 8n, 16n, 38n, 39n, 40n, (1n << 32n) | 40n, 0x20008n, 0x10000000n, 0xffffffffn];

test('for a runtime the rules say of every call what the filter made here says', () => {
  const filter = dockerSeccompFilter('x64');
  const rules = runtimeSeccomp('x64');
  const names = [...syscallNumbers('x86_64')];
  expect(names.length).toBeGreaterThan(300);
  for (const [name, number] of names) {
    for (const argument of ARGUMENTS) {
      const [low, architecture] = [Number(argument & 0xffffffffn), 0xc000003e];
      // There is no such family, whoever says so.
      if (name === 'socket' && low > 45) continue;
      const outcome = OUTCOMES[interpret(filter, { architecture, number, first: low })];
      expect([name, argument, ruled(rules, name, argument)]).toEqual([name, argument, outcome]);
    }
  }
});
