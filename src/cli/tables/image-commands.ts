import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';

const noTrunc: OptionSpec = { name: 'no-trunc', kind: 'flag', about: "Don't truncate output" };
const quiet: OptionSpec = { name: 'quiet', short: 'q', kind: 'flag', about: 'Only show image IDs' };
const format: OptionSpec = {
  name: 'format',
  kind: 'value',
  placeholder: 'string',
  about: '"table", "table TEMPLATE", "json", or a template such as {{.ID}} (default "table")',
};

export const HISTORY: Command = {
  name: 'history',
  operands: 'IMAGE',
  summary: 'Show the history of an image',
  options: [
    format,
    { name: 'human', short: 'H', kind: 'flag', about: 'Print sizes and dates for people (default true)' },
    noTrunc,
    quiet,
  ],
  about: ['Templates have .ID, .CreatedSince, .CreatedAt, .CreatedBy, .Size and .Comment (docs/formats.md).'],
  positionals: { min: 1, max: 1 },
  load: () => import('../commands/history.js'),
};

export const IMAGES: Command = {
  name: 'images',
  operands: '[NAME[:TAG]]',
  summary: 'List images',
  options: [
    // What it would add in Docker, images between the steps of a build, is not kept here.
    { name: 'all', short: 'a', kind: 'flag', about: '', hidden: true },
    { name: 'digests', kind: 'flag', about: 'Show digests' },
    {
      name: 'filter',
      short: 'f',
      kind: 'list',
      placeholder: 'filter',
      about:
        'Only images of which it holds: before=IMAGE, dangling=true, label=NAME[=value], reference=PATTERN, since=IMAGE, until=24h',
    },
    format,
    noTrunc,
    quiet,
  ],
  about: ['Templates have .ID, .Repository, .Tag, .Digest, .CreatedSince, .CreatedAt and .Size (docs/formats.md).'],
  positionals: { min: 0, max: 1 },
  load: () => import('../commands/images.js'),
};

export const INSPECT: Command = {
  name: 'inspect',
  operands: 'IMAGE [IMAGE...]',
  summary: 'Show what an image says of itself, as JSON',
  options: [
    {
      name: 'format',
      short: 'f',
      kind: 'value',
      placeholder: 'string',
      about: '"json", or a template such as {{.Id}} or {{range .Config.Env}}{{println .}}{{end}} (docs/formats.md)',
    },
  ],
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  load: () => import('../commands/inspect.js'),
};
