import type { Allowance } from '../run-spec.js';

/** A file to write, in the order given; `optional` where a kernel may be built without it. */
export interface ControllerFile {
  readonly name: string;
  readonly value: string;
  readonly optional?: true;
}

/** What one controller of cgroups(7) is told. */
export interface ControllerSettings {
  readonly controller: 'memory' | 'cpu' | 'cpuset';
  /** The command line's word for what needs it, for messages. */
  readonly option: string;
  readonly files: Readonly<Record<1 | 2, readonly ControllerFile[]>>;
}

/** What the controllers of both versions of cgroups have to be told for an allowance. */
export function controllerSettings(allowance: Allowance): readonly ControllerSettings[] {
  return [...memorySettings(allowance), ...cpuSettings(allowance), ...cpusetSettings(allowance)];
}

const present = (files: readonly (ControllerFile | undefined)[]): readonly ControllerFile[] =>
  files.filter((file) => file !== undefined);

function memorySettings({ memoryBytes, memorySwapBytes }: Allowance): readonly ControllerSettings[] {
  if (memoryBytes === undefined) return [];
  // As Docker: as much swap as memory, unless something else is said; and that in passing, since kernels may not count swap.
  const both = memorySwapBytes ?? memoryBytes * 2;
  const counted = memorySwapBytes === undefined ? ({ optional: true } as const) : {};
  const [one, two] = both === Infinity ? ['-1', 'max'] : [String(both), String(both - memoryBytes)];
  return [
    {
      controller: 'memory',
      option: '--memory',
      files: {
        // In this order: the limit of both together may not be below that of memory.
        1: [
          { name: 'memory.limit_in_bytes', value: String(memoryBytes) },
          { name: 'memory.memsw.limit_in_bytes', value: one, ...counted },
        ],
        2: [
          { name: 'memory.max', value: String(memoryBytes) },
          { name: 'memory.swap.max', value: two, ...counted },
        ],
      },
    },
  ];
}

const USUAL_PERIOD = 100_000;

function cpuSettings(allowance: Allowance): readonly ControllerSettings[] {
  const { cpuQuotaMicroseconds: quota, cpuPeriodMicroseconds: period, cpuShares: shares } = allowance;
  if (quota === undefined && period === undefined && shares === undefined) return [];
  const file = (name: string, value: number | string | undefined): ControllerFile | undefined =>
    value === undefined ? undefined : { name, value: String(value) };
  const maximum =
    quota === undefined && period === undefined ? undefined : `${quota ?? 'max'} ${period ?? USUAL_PERIOD}`;
  return [
    {
      controller: 'cpu',
      option: shares === undefined ? '--cpus' : '--cpu-shares',
      files: {
        1: present([file('cpu.cfs_period_us', period), file('cpu.cfs_quota_us', quota), file('cpu.shares', shares)]),
        2: present([file('cpu.max', maximum), file('cpu.weight', shares === undefined ? undefined : weightOf(shares))]),
      },
    },
  ];
}

/** From 2 to 262144 to 1 to 10000, as runc and systemd convert. */
function weightOf(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

function cpusetSettings({ processors, memoryNodes }: Allowance): readonly ControllerSettings[] {
  if (processors === undefined && memoryNodes === undefined) return [];
  const files = present([
    processors === undefined ? undefined : { name: 'cpuset.cpus', value: processors },
    memoryNodes === undefined ? undefined : { name: 'cpuset.mems', value: memoryNodes },
  ]);
  const option = processors === undefined ? '--cpuset-mems' : '--cpuset-cpus';
  return [{ controller: 'cpuset', option, files: { 1: files, 2: files } }];
}
