import type { OptionSpec } from '../argv.js';
import type { Command } from '../command.js';

const list = (name: string, placeholder: string, about: string): OptionSpec => ({
  name,
  kind: 'list',
  placeholder,
  about,
});
const value = (name: string, about: string): OptionSpec => ({ name, kind: 'value', placeholder: 'string', about });
const flag = (name: string, about: string): OptionSpec => ({ name, kind: 'flag', about });

/** @param common options that are those of `build`, and mean the same of every target */
export function bakeCommand(common: readonly OptionSpec[]): Command {
  return {
    name: 'bake',
    operands: '[TARGET...]',
    summary: 'Build the targets of a definition file together',
    options: [
      ...common,
      list(
        'allow',
        'list',
        'Let the definition use paths outside of the current folder or what steps rarely may: fs=PATH, fs.read=PATH, fs.write=PATH, ssh, network.host, security.insecure, device',
      ),
      value('call', 'Ask about the Dockerfiles instead of building: "check", "outline" or "targets"'),
      flag('check', 'Shorthand for --call=check'),
      flag(
        'dry-run',
        'Tell what building the targets would do: steps, images, files of contexts; nothing is run, built or pushed',
      ),
      {
        ...list('file', 'path', 'Definition file, or - for standard input; of several, later ones count more'),
        short: 'f',
      },
      value('list', 'List "targets" or "variables" instead of building, with ",format=json" for programs'),
      flag('load', 'Hand the images to the dockerd or podman of this machine, unless a target says otherwise'),
      {
        ...value(
          'manifest',
          'Add the images of the targets to this manifest list in the store, or make it; one for the same platform is replaced',
        ),
        placeholder: 'name',
      },
      value('metadata-file', 'Write names and digests of the results to a file, as JSON, by target'),
      flag('no-cache', 'Do not use the cache'),
      flag('print', 'Print the definition as it is understood, as JSON, instead of building'),
      { name: 'provenance', kind: 'value', about: '', hidden: true },
      flag('pull', 'Always ask the registry for newer base images'),
      flag('push', 'Push the images to their registries, unless a target says otherwise'),
      { name: 'sbom', kind: 'value', about: '', hidden: true },
      list(
        'set',
        'list',
        'Override a value of targets: TARGET.KEY=VALUE or TARGET.KEY+=VALUE; * stands for any target',
      ),
      list('var', 'list', 'Give a variable of the definition a value: NAME=VALUE'),
    ],
    about: [
      'Definitions are docker-bake.hcl, docker-bake.json, their .override files, and compose files with build sections.',
      'Without TARGET the group or target "default" is built. docs/bake.md has the language and its functions.',
    ],
    positionals: { min: 0, max: Number.POSITIVE_INFINITY },
    unsupported: ['builder', 'debug', 'policy'],
    load: () => import('../commands/bake.js'),
  };
}
