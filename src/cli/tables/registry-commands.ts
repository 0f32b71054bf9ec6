import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';
import { FORM_OPTIONS } from './output-option-table.js';
import { AUTH_FILE, CONNECTION_OPTIONS, REGISTRY_OPTIONS } from './registry-option-table.js';

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
  load: () => import('../commands/login.js'),
};

export const LOGOUT: Command = {
  name: 'logout',
  operands: '[SERVER]',
  summary: 'Log out from a registry',
  options: [AUTH_FILE],
  positionals: { min: 0, max: 1 },
  load: () => import('../commands/logout.js'),
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
  load: () => import('../commands/pull.js'),
};

export const PUSH: Command = {
  name: 'push',
  operands: 'NAME[:TAG]',
  summary: 'Upload an image to a registry',
  options: [
    ...REGISTRY_OPTIONS,
    ...FORM_OPTIONS,
    platform('Of an image pulled with --all-platforms, push this one only: os/architecture[/variant]'),
    quiet('Show no progress, print only the name'),
  ],
  positionals: { min: 1, max: 1 },
  unsupported: ['all-tags', 'disable-content-trust'],
  load: () => import('../commands/push.js'),
};
