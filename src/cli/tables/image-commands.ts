import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';
import { REGISTRY_OPTIONS } from './registry-option-table.js';

const noTrunc: OptionSpec = { name: 'no-trunc', kind: 'flag', about: "Don't truncate output" };
const quiet: OptionSpec = { name: 'quiet', short: 'q', kind: 'flag', about: 'Only show image IDs' };
const format: OptionSpec = {
  name: 'format',
  kind: 'value',
  placeholder: 'string',
  about: '"table", "table TEMPLATE", "json", or a template such as {{.ID}} (default "table")',
};

const json: OptionSpec = { name: 'json', kind: 'flag', about: 'Print one JSON object, as --format json does' };
const pull: OptionSpec = {
  name: 'pull',
  kind: 'value',
  placeholder: 'string',
  about: 'When the registry is asked: "missing", "always" or "never" (default "missing")',
};
const silent: OptionSpec = { name: 'quiet', short: 'q', kind: 'flag', about: 'Show no progress' };
const LOCATIONS = [
  'An image is a name or an id in the store, or docker://NAME, docker-archive:FILE[:NAME], oci-archive:FILE[:NAME] or',
  'oci:FOLDER[:NAME], which the store is not given. Nothing is unpacked.',
];

export const DIFF: Command = {
  name: 'diff',
  operands: 'IMAGE IMAGE',
  summary: 'Show how two images differ: configuration, layers, packages, files',
  options: [
    ...REGISTRY_OPTIONS,
    { name: 'config', kind: 'flag', about: 'Only the sections that are named: what the images say of themselves' },
    { name: 'exit-code', kind: 'flag', about: 'End with status 1 if there is a difference' },
    { name: 'files', kind: 'flag', about: 'Only the sections that are named: files added, changed and removed' },
    {
      name: 'format',
      kind: 'value',
      placeholder: 'string',
      about: '"text", "json", or a template such as {{range .files}}{{println .path}}{{end}} (default "text")',
    },
    json,
    { name: 'layers', kind: 'flag', about: 'Only the sections that are named: which layers are shared' },
    { name: 'packages', kind: 'flag', about: 'Only the sections that are named: versions of packages of dpkg and apk' },
    {
      name: 'platform',
      kind: 'list',
      placeholder: 'string',
      about: 'Platform of the images: os/architecture[/variant]; given twice, that of the first and of the second',
    },
    pull,
    silent,
    { name: 'times', kind: 'flag', about: 'Count as changed what differs in its time only' },
  ],
  about: LOCATIONS,
  positionals: { min: 2, max: 2 },
  load: () => import('../commands/diff.js'),
};

export const EXPLORE: Command = {
  name: 'explore',
  operands: 'IMAGE',
  summary: 'Walk through the layers and files of an image, and see what space is wasted',
  options: [
    ...REGISTRY_OPTIONS,
    {
      name: 'format',
      kind: 'value',
      placeholder: 'string',
      about: 'Print a report instead, as without a terminal: "text" or "json"',
    },
    json,
    {
      name: 'max-wasted',
      kind: 'value',
      placeholder: 'amount',
      about: 'Fail if more is wasted: a percentage such as 10%, or bytes such as 20MB; prints a report',
    },
    {
      name: 'min-efficiency',
      kind: 'value',
      placeholder: 'number',
      about: 'Fail if a smaller part of what layers hold is shown: 0.95 or 95%; prints a report',
    },
    {
      name: 'platform',
      kind: 'value',
      placeholder: 'string',
      about: 'Platform of the image: os/architecture[/variant]',
    },
    pull,
    silent,
  ],
  about: LOCATIONS,
  positionals: { min: 1, max: 1 },
  load: () => import('../commands/explore.js'),
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
