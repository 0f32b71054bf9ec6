import type { OptionSpec } from '../argv.js';

/** Of `build`: what RUN instructions are given and allowed. `run-options.ts` reads them. */
export const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'add-host',
    kind: 'list',
    placeholder: 'list',
    about: 'Add a line to /etc/hosts of RUN instructions: NAME:ADDRESS',
  },
  {
    name: 'allow',
    kind: 'list',
    placeholder: 'list',
    about: 'Let RUN instructions have "network.host", "security.insecure", "device" or "device=NAME"',
  },
  {
    name: 'cdi-config-dir',
    kind: 'list',
    placeholder: 'list',
    about: 'Folder of CDI device specifications, beside /etc/cdi and /var/run/cdi',
  },
  {
    name: 'device',
    kind: 'list',
    placeholder: 'list',
    about: 'Give RUN instructions a device: a CDI name such as nvidia.com/gpu=all, or /dev/NAME[:PATH]',
  },
  {
    name: 'secret',
    kind: 'list',
    placeholder: 'list',
    about: 'Give RUN --mount=type=secret a value: id=NAME,src=FILE or id=NAME,env=VARIABLE; GIT_AUTH_TOKEN is for git',
  },
  { name: 'shm-size', kind: 'value', placeholder: 'bytes', about: 'Size of /dev/shm for RUN instructions' },
  {
    name: 'ssh',
    kind: 'list',
    placeholder: 'list',
    about: 'Give RUN --mount=type=ssh an agent or keys: default, or NAME=SOCKET|KEY[,KEY]',
  },
  {
    name: 'ulimit',
    kind: 'list',
    placeholder: 'list',
    about: 'Limit a resource of RUN instructions: NAME=SOFT[:HARD]',
  },
];
