import type { OptionSpec } from './argv.js';
import type { Command } from './command.js';
import { AUTH_FILE, CONNECTION_OPTIONS, REGISTRY_OPTIONS } from './registry-option-table.js';

export const COMPRESSION_LEVEL: OptionSpec = {
  name: 'compression-level',
  kind: 'value',
  placeholder: 'number',
  about: 'Of layers that are compressed for it: gzip 0 to 9 (default 6), zstd 1 to 22 (default 3)',
};
const platform = (about: string): OptionSpec => ({ name: 'platform', kind: 'value', placeholder: 'string', about });
const quiet = (about: string): OptionSpec => ({ name: 'quiet', short: 'q', kind: 'flag', about });

export const LOGIN: Command = {
  name: 'login',
  operands: '[SERVER]',
  summary: 'Log in to a registry',
  options: [
    AUTH_FILE,
    ...CONNECTION_OPTIONS,
    { name: 'password', short: 'p', kind: 'value', placeholder: 'string', about: 'Password or access token' },
    { name: 'password-stdin', kind: 'flag', about: 'Take the password from standard input' },
    { name: 'username', short: 'u', kind: 'value', placeholder: 'string', about: 'User name' },
  ],
  positionals: { min: 0, max: 1 },
  load: () => import('./commands/login.js'),
};

export const LOGOUT: Command = {
  name: 'logout',
  operands: '[SERVER]',
  summary: 'Log out from a registry',
  options: [AUTH_FILE],
  positionals: { min: 0, max: 1 },
  load: () => import('./commands/logout.js'),
};

export const PULL: Command = {
  name: 'pull',
  operands: 'NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  options: [
    ...REGISTRY_OPTIONS,
    { name: 'all-platforms', kind: 'flag', about: 'Pull all that the index lists, to be pushed or copied as it is' },
    platform('Variant to pull: os/architecture[/variant]'),
    quiet('Show no progress, print only the name'),
  ],
  positionals: { min: 1, max: 1 },
  unsupported: ['all-tags', 'disable-content-trust'],
  load: () => import('./commands/pull.js'),
};

export const PUSH: Command = {
  name: 'push',
  operands: 'NAME[:TAG]',
  summary: 'Upload an image to a registry',
  options: [
    ...REGISTRY_OPTIONS,
    {
      name: 'compression',
      kind: 'value',
      placeholder: 'string',
      about: 'Compress all layers with "gzip" or "zstd" (default: gzip those built here, the others as they are)',
    },
    COMPRESSION_LEVEL,
    { name: 'force-compression', kind: 'flag', about: 'Compress layers anew that have the compression already' },
    {
      name: 'format',
      kind: 'value',
      placeholder: 'string',
      about: 'Media types: "docker" or "oci" (default: as they are, and oci with zstd)',
    },
    platform('Of an image pulled with --all-platforms, push this one only: os/architecture[/variant]'),
    quiet('Show no progress, print only the name'),
  ],
  positionals: { min: 1, max: 1 },
  unsupported: ['all-tags', 'disable-content-trust'],
  load: () => import('./commands/push.js'),
};
