import type { OptionSpec } from '../argv.js';

const value = (name: string, placeholder: string, about: string): OptionSpec => ({
  name,
  kind: 'value',
  placeholder,
  about,
});

/** What help calls those who use the machine. */
export interface Users {
  readonly one: string;
  readonly all: string;
}

/** What the steps of a build, or a program, may use of the machine, and whom they ask for addresses. `step-options.ts` reads them. */
export function stepOptions({ one, all }: Users): readonly OptionSpec[] {
  return [
    value('cpu-period', 'int', 'Length of a period in which --cpu-quota counts, in microseconds'),
    value('cpu-quota', 'int', `Processor time of ${one} in each period, in microseconds`),
    value('cpu-shares', 'int', `Weight of ${one} where processors are scarce (default 1024)`),
    value('cpus', 'number', `Processors that ${one} may keep busy, such as 1.5`),
    value('cpuset-cpus', 'string', `Processors that ${all} may run on: 0-3 or 0,1`),
    value('cpuset-mems', 'string', `Memory nodes that ${all} may use: 0-3 or 0,1`),
    {
      name: 'dns',
      kind: 'list',
      placeholder: 'address',
      about: `Name server of ${all}, instead of this host's`,
    },
    { name: 'dns-option', kind: 'list', placeholder: 'list', about: `Option of resolv.conf for ${all}` },
    { name: 'dns-search', kind: 'list', placeholder: 'list', about: `Search domain for ${all}` },
    { ...value('memory', 'bytes', `Memory that ${one} may use, such as 2g`), short: 'm' },
    value('memory-swap', 'bytes', 'Memory and swap together; -1 for any amount of swap (default: twice --memory)'),
    {
      name: 'resource',
      kind: 'list',
      placeholder: 'list',
      about: 'Several of these limits in one word, as memory=2g,cpus=1.5',
    },
  ];
}

/** Of `build` alone. */
export const BUILD_STEP_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'group-add',
    kind: 'value',
    placeholder: 'string',
    about: '"keep-groups": RUN instructions may do what the groups of this user may, as with files of --volume',
  },
  {
    name: 'http-proxy',
    kind: 'flag',
    about: 'With =false, RUN instructions are not given the proxy variables of the environment',
  },
  {
    name: 'volume',
    short: 'v',
    kind: 'list',
    placeholder: 'list',
    about: 'Give RUN instructions a folder of this host: PATH:PATH[:ro]; what is in it does not count for the cache',
  },
];
