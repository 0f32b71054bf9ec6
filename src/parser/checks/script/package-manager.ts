import type { Finding } from '../finding.js';
import type { ShellCommand } from './shell-command.js';

interface PackageManager {
  /** What changes the system, and therefore asks first. */
  readonly asks: ReadonlySet<string>;
  /** What fetches the lists of packages. */
  readonly updates?: ReadonlySet<string>;
  /** A word by which it does not ask. */
  readonly yes?: RegExp;
  readonly advice?: string;
}

const apt: PackageManager = {
  asks: new Set([
    'install',
    'reinstall',
    'upgrade',
    'dist-upgrade',
    'full-upgrade',
    'remove',
    'purge',
    'autoremove',
    'build-dep',
  ]),
  updates: new Set(['update']),
  yes: /^(?:-[a-zA-Z]*[ysd][a-zA-Z]*|-qq[a-zA-Z]*|--(?:yes|assume-yes|force-yes|quiet=2|simulate|dry-run|just-print|no-act|download-only|print-uris|assume-no)|.*Assume-Yes.*)$/,
  advice: '-y',
};

const dnf: PackageManager = {
  asks: new Set([
    'install',
    'reinstall',
    'localinstall',
    'groupinstall',
    'update',
    'upgrade',
    'remove',
    'erase',
    'autoremove',
    'downgrade',
    'swap',
  ]),
  updates: new Set(['makecache']),
  yes: /^(?:-[a-zA-Z]*y[a-zA-Z]*|--assumeyes|--assumeno|--downloadonly|.*assumeyes=.*)$/,
  advice: '-y',
};

const conda: PackageManager = {
  asks: new Set(['install', 'create', 'update', 'upgrade', 'remove', 'uninstall', 'clean']),
  yes: /^(?:-[a-zA-Z]*y[a-zA-Z]*|--yes|--dry-run|-d)$/,
  advice: '-y',
};

const MANAGERS: ReadonlyMap<string, PackageManager> = new Map([
  ['apt', apt],
  ['apt-get', apt],
  ['aptitude', apt],
  ['dnf', dnf],
  ['yum', dnf],
  ['conda', conda],
  ['mamba', conda],
  [
    'zypper',
    {
      asks: new Set(['install', 'in', 'update', 'up', 'dup', 'dist-upgrade', 'remove', 'rm', 'patch']),
      updates: new Set(['refresh', 'ref']),
      yes: /^(?:-[a-zA-Z]*[ny][a-zA-Z]*|--non-interactive|--no-confirm)$/,
      advice: '-n before the command',
    },
  ],
  // These two never ask.
  ['apk', { asks: new Set(['add', 'del', 'upgrade']), updates: new Set(['update']) }],
  ['microdnf', { asks: new Set(['install', 'update', 'upgrade', 'remove']) }],
]);

/** The packages of the distribution: they are for root alone to change. */
const SYSTEM: ReadonlySet<string> = new Set(['apt', 'apt-get', 'aptitude', 'dnf', 'yum', 'microdnf', 'zypper', 'apk']);

/** Commands that will ask, in a step that has nobody to answer. */
export function missingYes(commands: readonly ShellCommand[]): readonly Finding[] {
  return commands.flatMap((command) => {
    const manager = MANAGERS.get(command.name);
    const action = actionOf(command);
    if (manager?.yes === undefined || command.fed || !manager.asks.has(action)) return [];
    const { yes, advice = '' } = manager;
    // A look-alike of a dash is another rule's.
    if (command.args.some(({ text }) => yes.test(text.replace(/^[\u2010-\u2015\u2212]+/, '-')))) return [];
    const words = `${command.name} ${action}`;
    const answer = advice.includes(' ') ? advice : `"${words} ${advice}"`;
    const message = `"${words}" asks before it goes on and nobody is there to answer: write ${answer}`;
    return [{ rule: 'tsbuild/MissingYes', message }];
  });
}

/** A step that fetches the lists of packages and installs nothing. */
export function updateAlone(commands: readonly ShellCommand[]): readonly Finding[] {
  const update = commands.find((command) => MANAGERS.get(command.name)?.updates?.has(actionOf(command)) === true);
  if (update === undefined || installs(commands)) return [];
  const { name } = update;
  const install = `${name} ${name === 'apk' ? 'add' : 'install'}`;
  const words = `${name} ${actionOf(update)}`;
  return [
    {
      rule: 'tsbuild/UpdateAlone',
      message: `"${words}" has a step of its own, whose cached lists grow old: write "RUN ${words} && ${install} …"`,
    },
  ];
}

/** Whether packages of the distribution are changed. */
export function installs(commands: readonly ShellCommand[]): boolean {
  return commands.some(changesSystem);
}

/** Packages of the distribution that someone else than root is to install; `user` is what USER says. */
export function userBeforeInstall(commands: readonly ShellCommand[], user: string): readonly Finding[] {
  if (/^(?:root|0|)(?::|$)/.test(user)) return [];
  const command = commands.find((one) => changesSystem(one) && !one.sudo);
  if (command === undefined) return [];
  const words = `${command.name} ${actionOf(command)}`;
  return [
    {
      rule: 'tsbuild/UserBeforeInstall',
      message: `"${words}" runs as user "${user}", who may not install packages: put the step above USER, or write USER root above it`,
    },
  ];
}

export function sudoInRun(commands: readonly ShellCommand[]): readonly Finding[] {
  const command = commands.find(({ sudo, name }) => sudo || name === 'sudo');
  if (command === undefined) return [];
  return [
    {
      rule: 'tsbuild/Sudo',
      message: 'a step runs as root unless USER says otherwise: leave out sudo, which most images lack',
    },
  ];
}

function changesSystem(command: ShellCommand): boolean {
  return SYSTEM.has(command.name) && MANAGERS.get(command.name)?.asks.has(actionOf(command)) === true;
}

/** The first word that is no option. */
function actionOf({ args }: ShellCommand): string {
  const words = args.map(({ text }) => text);
  let index = 0;
  // Options of apt and dnf that take a word of their own.
  while ((words[index] ?? '').startsWith('-'))
    index += /^(?:-o|-c|-t|--option|--setopt)$/.test(words[index] ?? '') ? 2 : 1;
  return words[index] ?? '';
}
