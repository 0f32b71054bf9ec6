import type { IdFacts, MachineReport } from '../../machine/machine-report.js';
import { formatSize } from './size.js';
import { plainLine } from './terminal-text.js';

interface Line {
  readonly label: string;
  readonly text: string;
  /** What would give what is missing. */
  readonly remedy?: string | null;
}

const INDENT = '  ';

/** A report in plain words: what is used, what is missing, and below that what would give it. */
export function machineText(report: MachineReport): string {
  const sections: readonly (readonly [title: string, lines: readonly Line[]])[] = [
    ['Versions', versionLines(report)],
    ['Isolation of steps, the strongest first', isolationLines(report)],
    ['Users and groups', [idLine(report)]],
    ['Store', storeLines(report)],
    ['Network', networkLines(report)],
    ['Limits', [cgroupLine(report)]],
    ['Kernel', kernelLines(report)],
    ['Registries', registryLines(report)],
  ];
  return sections.map(([title, lines]) => `${title}\n${formatLines(lines)}`).join('\n');
}

function formatLines(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(({ label }) => label.length));
  return lines
    .map(({ label, text, remedy = null }) => {
      const line = `${INDENT}${label.padEnd(width)}${INDENT}${plainLine(text)}\n`;
      return remedy === null ? line : `${line}${INDENT}${' '.repeat(width)}${INDENT}-> ${plainLine(remedy)}\n`;
    })
    .join('');
}

function versionLines({ versions, processors, user }: MachineReport): readonly Line[] {
  return [
    { label: 'tsbuild', text: versions.tsbuild },
    { label: 'Node.js', text: versions.node },
    { label: 'Linux', text: `${versions.kernel} on ${versions.architecture}, ${count(processors, 'processor')}` },
    { label: 'user', text: `${user.name ?? 'without a name'} (${user.uid})` },
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function isolationLines({ isolation: { used, trials } }: MachineReport): readonly Line[] {
  const lines = trials.map((trial): Line => {
    if (!trial.works) return { label: trial.name, text: `does not work: ${trial.reason}`, remedy: trial.remedy };
    const usual = trial.name === used ? 'works, and is used' : 'works';
    return { label: trial.name, text: trial.notice === null ? usual : `${usual}: ${trial.notice}` };
  });
  const none = { label: '', text: 'No RUN instruction can be run here; builds that only copy files work.' };
  return used === null ? [...lines, none] : lines;
}

const ID_WORDS: Readonly<Record<IdFacts['kind'], (ids: IdFacts) => string>> = {
  host: () => "this user is root: all of the machine's are there",
  full: ({ count: number }) => `${number} of each, by a user namespace`,
  single: ({ reason }) => `one of each, by a user namespace${reason === null ? '' : `: ${reason}`}`,
  forbidden: ({ reason }) => `no user namespace can be made${reason === null ? '' : `: ${reason}`}`,
};

function idLine({ user: { ids } }: MachineReport): Line {
  return { label: 'ids', text: ID_WORDS[ids.kind](ids), remedy: ids.remedy };
}

const ROOTFS_WORDS = {
  images: 'mounted from their tars (EROFS) over one another (overlayfs): nothing is unpacked',
  overlay: 'mounted over one another (overlayfs)',
  copies: 'copied for each step, as overlayfs cannot be mounted here',
} as const;

function storeLines({ store }: MachineReport): readonly Line[] {
  const there = store.exists ? '' : ' (made at the first use)';
  return [
    { label: 'folder', text: `${store.root}${there}` },
    { label: 'file system', text: `${store.fileSystem}, ${formatSize(store.freeBytes)} free` },
    ...(store.rootfs === null ? [] : [{ label: 'layers', text: ROOTFS_WORDS[store.rootfs] }]),
    ...store.lacks.map((text) => ({
      label: 'problem',
      text,
      remedy: 'Name another folder with --store or TSBUILD_STORE.',
    })),
  ];
}

function networkLines(report: MachineReport): readonly Line[] {
  const variables = Object.entries(report.proxies).map(([label, text]) => ({ label, text }));
  const proxies = variables.length > 0 ? variables : [{ label: 'proxies', text: 'none in the environment' }];
  return [privateNetworkLine(report), ...proxies];
}

function privateNetworkLine({ programs, kernel }: MachineReport): Line {
  const label = 'of its own';
  const helpers = ['pasta', 'slirp4netns'].filter((name) => typeof programs[name] === 'string');
  if (helpers.length === 0) {
    return {
      label,
      text: 'neither "pasta" nor "slirp4netns" is installed: steps share that of the machine, or have none',
      remedy: 'Install the package "passt" or "slirp4netns".',
    };
  }
  if (kernel.tunDevice) return { label, text: `by ${helpers.join(' or ')}` };
  return {
    label,
    text: `${helpers.join(' or ')} cannot open /dev/net/tun: steps share that of the machine, or have none`,
    remedy: 'As root, "modprobe tun" and "chmod 666 /dev/net/tun"; give a container "--device /dev/net/tun".',
  };
}

function cgroupLine({ user, cgroup: { version, delegated } }: MachineReport): Line {
  if (version === 'none') return { label: 'cgroups', text: 'are not mounted: memory and processors cannot be limited' };
  if (delegated.length > 0) return { label: `cgroup ${version}`, text: `may limit ${delegated.join(', ')}` };
  return {
    label: `cgroup ${version}`,
    text: 'nothing of it is delegated to this user: memory and processors cannot be limited',
    remedy: cgroupRemedy(version, user.uid),
  };
}

function cgroupRemedy(version: string, uid: number): string {
  if (uid === 0) return 'Give the container cgroups that it may write to, mounted on /sys/fs/cgroup.';
  if (version === 'v2') return 'Start tsbuild by "systemd-run --user --scope -p Delegate=yes".';
  return 'Boot the machine with "systemd.unified_cgroup_hierarchy=1": only root may limit with version 1.';
}

const FORBIDDING: Readonly<Record<string, string>> = {
  'user.max_user_namespaces': '0',
  'kernel.unprivileged_userns_clone': '0',
  'kernel.apparmor_restrict_unprivileged_userns': '1',
};

function kernelLines({ kernel, emulators }: MachineReport): readonly Line[] {
  const settings = Object.entries(kernel.settings).flatMap(([label, value]): Line[] => {
    if (value === null) return [];
    const forbids = FORBIDDING[label] === value;
    return [{ label, text: forbids ? `${value}: forbids user namespaces to ordinary users` : value }];
  });
  const filter = kernel.seccompFilters ? 'filters system calls of steps' : 'this kernel has no filters of system calls';
  return [
    { label: 'seccomp', text: kernel.filtered ? `${filter}; tsbuild is itself under a filter` : filter },
    { label: 'AppArmor', text: kernel.apparmor ? 'on' : 'off' },
    ...settings,
    emulatorLine(emulators),
  ];
}

function emulatorLine({ mounted, enabled, platforms }: MachineReport['emulators']): Line {
  const label = 'emulators';
  const registered = enabled.length === 0 ? 'none registered' : `registered: ${enabled.join(', ')}`;
  if (platforms.length > 0) return { label, text: `steps can run for ${platforms.join(', ')} (${registered})` };
  if (enabled.length > 0) return { label, text: enabled.join(', ') };
  return {
    label,
    text: `none${mounted ? '' : ' (binfmt_misc is not mounted)'}: steps for other platforms cannot run`,
    remedy:
      'Install the package "qemu-user-static"; before Linux 6.7 its handlers have to be registered for the whole machine.',
  };
}

function registryLines({ registries: { files, problem } }: MachineReport): readonly Line[] {
  if (problem !== null) return [{ label: 'problem', text: problem }];
  if (files.length === 0) return [{ label: 'files', text: 'none: registries are asked as references name them' }];
  return files.map((text, index) => ({ label: index === 0 ? 'files' : '', text }));
}
