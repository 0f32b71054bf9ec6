import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';
import { stepOptions } from './step-option-table.js';

const list = (name: string, about: string, short?: string): OptionSpec => ({
  name,
  ...(short === undefined ? {} : { short }),
  kind: 'list',
  placeholder: 'list',
  about,
});
const value = (name: string, about: string, short?: string): OptionSpec => ({
  ...list(name, about, short),
  kind: 'value',
  placeholder: 'string',
});
const flag = (name: string, about: string, short?: string): OptionSpec => ({
  name,
  ...(short === undefined ? {} : { short }),
  kind: 'flag',
  about,
});

const FOREGROUND = 'Programs run in the foreground and leave nothing behind: there is no container to manage.';
const NETWORK = "Programs share the host's network: what listens is reachable without it. --network none closes it.";
const RIGHTS =
  "Programs have Docker's fourteen capabilities and its seccomp rules, and no more; --device gives devices.";
const VOLUMES = 'There are no volumes: give a folder of the host with -v HOST:CONTAINER.';
const NAMESPACES = 'Programs always have process, mount, IPC and UTS namespaces of their own.';

export const RUN_IMAGE: Command = {
  name: 'run',
  operands: 'IMAGE [COMMAND] [ARG...]',
  summary: 'Run an image in the foreground, to try it',
  options: [
    list('add-host', 'Add a line to /etc/hosts: NAME:ADDRESS'),
    list('cdi-config-dir', 'Folder of CDI device specifications, beside /etc/cdi and /var/run/cdi'),
    list('device', 'Give a device: a CDI name such as nvidia.com/gpu=0, or /dev/NAME[:PATH]'),
    value('entrypoint', "Program to run instead of the image's ENTRYPOINT and CMD; empty for none"),
    list('env', 'Set a variable: NAME=value, or NAME to take it from the environment', 'e'),
    list('env-file', 'Set the variables of a file, one on each line'),
    value('gpus', 'Give GPUs, by their CDI specification: "all", a number of them, or "device=0,1"'),
    value('hostname', 'Host name (default: the first digits of the image ID)', 'h'),
    // Orphans are always adopted and reaped.
    { name: 'init', kind: 'flag', about: '', hidden: true },
    flag('interactive', 'Pass on standard input', 'i'),
    value('isolation', 'How the program is kept apart: "auto" or "namespaces" (default "auto")'),
    list('mount', 'Mount something: type=bind,source=…,target=…[,readonly] or type=tmpfs,target=…[,tmpfs-size=…]'),
    value('network', 'Network: "host", "none" or "private" (default "host")'),
    value('platform', 'Platform of the image: os/architecture[/variant]'),
    value('pull', 'When the registry is asked: "missing", "always" or "never" (default "missing")'),
    flag('quiet', 'Show no progress of pulling and unpacking', 'q'),
    flag('read-only', 'Let nothing be written but to mounts'),
    flag('rm', 'Accepted, and always so: nothing of what the program writes is kept, but to mounts'),
    value('shm-size', 'Size of /dev/shm'),
    value('stop-signal', "What the program is sent when tsbuild gets SIGTERM (default: the image's STOPSIGNAL)"),
    list('tmpfs', 'Mount a file system in memory: PATH[:size=BYTES]'),
    flag('tty', 'Give the program a terminal', 't'),
    list('ulimit', 'Limit a resource: NAME=SOFT[:HARD]'),
    value('user', 'User, as USER names it: name|uid[:group|gid]', 'u'),
    list('volume', 'Mount a file or folder of the host: HOST:CONTAINER[:ro]', 'v'),
    value('workdir', 'Working directory', 'w'),
    ...stepOptions({ one: 'the program', all: 'the program' }),
  ],
  about: [
    'What the program writes is gone when it ends, with --rm or without, but for what it writes to mounts. An image',
    'that is not in the store is pulled. Ends with the status of the program: 126 and 127 where it could not be',
    'started, 128 and its number for a signal, 125 where tsbuild itself failed. Signals are passed on to the program;',
    'the third SIGINT or SIGTERM kills it.',
  ],
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  optionsFirst: true,
  failureStatus: 125,
  instead: {
    ...named(FOREGROUND, ['attach', 'a', 'cidfile', 'detach', 'd', 'detach-keys', 'label', 'l', 'label-file']),
    ...named(FOREGROUND, ['log-driver', 'log-opt', 'name', 'restart', 'stop-timeout']),
    ...named(FOREGROUND, ['health-cmd', 'health-interval', 'health-retries', 'health-timeout', 'no-healthcheck']),
    ...named(NETWORK, ['expose', 'ip', 'ip6', 'link', 'mac-address', 'net-alias', 'network-alias']),
    ...named(NETWORK, ['publish', 'p', 'publish-all', 'P']),
    ...named(RIGHTS, ['cap-add', 'cap-drop', 'device-cgroup-rule', 'group-add', 'privileged', 'security-opt']),
    ...named(VOLUMES, ['volume-driver', 'volumes-from']),
    ...named(NAMESPACES, ['cgroupns', 'ipc', 'pid', 'userns', 'uts']),
    'sig-proxy': 'Signals are always passed on to the program.',
  },
  unsupported: [
    ...['annotation', 'blkio-weight', 'cgroup-parent', 'disable-content-trust', 'domainname', 'memory-reservation'],
    ...['oom-kill-disable', 'oom-score-adj', 'pids-limit', 'runtime', 'storage-opt', 'sysctl'],
  ],
  load: () => import('../commands/run-image.js'),
};

function named(advice: string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, advice]));
}
