import { existsSync } from 'node:fs';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

const PASSED_ON = [
  'PATH',
  'SSH_AUTH_SOCK',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of git: nothing is configured but by us, nobody is asked anything, and of all transports only those that
 * reach other hosts are allowed, to submodules too (CVE-2022-39253: files of this host through local clones).
 */
export function gitEnvironment(env: Environment): Record<string, string> {
  const passed = PASSED_ON.flatMap((name): [string, string][] => (env[name] ? [[name, env[name]]] : []));
  const certificates = env['SSL_CERT_FILE'] ?? '';
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(passed),
    HOME: '/dev/null',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    GIT_SSH_COMMAND: sshCommand(env['HOME'] ?? '/'),
    GIT_SSH_VARIANT: 'ssh',
    ...(certificates === '' ? {} : { GIT_SSL_CAINFO: certificates }),
  };
}

const KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * With the files of the user whose build it is: in a user namespace ssh takes itself for root and looks into root's home. Never
 * asks, and never believes a host that it does not know.
 */
function sshCommand(home: string): string {
  const file = (name: string): string => join(home, '.ssh', name);
  const keys = KEYS.map(file).filter((path) => existsSync(path));
  const config = existsSync(file('config')) ? file('config') : '/dev/null';
  const options = [
    `UserKnownHostsFile=${quotedForSsh(file('known_hosts'))}`,
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
  ];
  const words = ['-F', config, ...options.flatMap((option) => ['-o', option]), ...keys.flatMap((key) => ['-i', key])];
  return ['ssh', ...words.map(quotedForShell)].join(' ');
}

/** ssh_config(5): arguments with blanks are in double quotes. */
function quotedForSsh(path: string): string {
  return /[\s"]/.test(path) ? `"${path.replaceAll('"', '\\"')}"` : path;
}

function quotedForShell(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
