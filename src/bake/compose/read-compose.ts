import type { Definition } from '../definition/read-definition.js';
import { checkName } from '../definition/instances.js';
import type { JsonMember, JsonNode } from '../json/parse-json.js';
import type { SourceText } from '../source-text.js';
import type { Fields, Target } from '../target/field.js';
import { mergeFields } from '../target/merge-fields.js';
import { memberOf, membersOf, interpolated, pairsAt, textAt, wrong } from './compose-node.js';
import type { Variables } from './interpolate.js';
import { parseYaml } from './parse-yaml.js';
import { readBuild } from './read-build.js';

export interface ComposeEnvironment {
  /** Of `--var`, else of the environment, else of the file `.env`. */
  readonly variables: Variables;
}

/** The services of compose files that have a `build` section, as targets. @throws `CONFIG_INVALID` */
export async function readCompose(
  sources: readonly SourceText[],
  { variables }: ComposeEnvironment,
): Promise<Pick<Definition, 'targets' | 'groups'>> {
  const targets = new Map<string, Fields>();
  for (const source of sources) {
    const root = interpolated(parseYaml(source), variables);
    refuse(root, 'include', ['other files are not taken in', 'Give each file with -f.']);
    const services = membersOf(memberOf(root, 'services'), '"services"');
    for (const service of services) {
      const name = service.name.replaceAll('.', '_');
      const fields = readService(service, { root, services, variables });
      if (fields === undefined) continue;
      checkName(name, service.span);
      targets.set(name, mergeFields(targets.get(name) ?? new Map(), fields));
    }
  }
  const all = [...targets].map(([name, fields]): Target => ({ name, fields }));
  const names = all.map(({ name }) => name);
  return await Promise.resolve({ targets: all, groups: [{ name: 'default', description: undefined, targets: names }] });
}

interface Reading {
  readonly root: JsonNode;
  readonly services: readonly JsonMember[];
  readonly variables: Variables;
}

function readService(service: JsonMember, { root, services, variables }: Reading): Fields | undefined {
  const value = extended(service.value, services, []);
  const build = memberOf(value, 'build');
  if (build === undefined) return undefined;
  const environment = new Map(pairsAt(memberOf(value, 'environment'), '"environment"'));
  return readBuild(build, {
    image: textAt(memberOf(value, 'image'), '"image"'),
    secrets: new Map(membersOf(memberOf(root, 'secrets'), '"secrets"').map(({ name, value: one }) => [name, one])),
    variables: (name) => environment.get(name) ?? variables(name),
  });
}

/** `extends`: what a service lacks it has of another one of the file. */
function extended(service: JsonNode, services: readonly JsonMember[], path: readonly string[]): JsonNode {
  const extension = memberOf(service, 'extends');
  if (extension === undefined) return service;
  refuse(extension, 'file', ['services of other files cannot be extended', 'Put both into one file.']);
  const name = textAt(memberOf(extension, 'service') ?? extension, '"extends"') ?? '';
  if (path.includes(name)) throw wrong(extension.span, `service "${name}" extends itself`);
  const base = services.find((one) => one.name === name);
  if (base === undefined) throw wrong(extension.span, `there is no service "${name}"`);
  return overlaid(extended(base.value, services, [...path, name]), service);
}

/** Maps are merged and lists joined; anything else is replaced. */
function overlaid(base: JsonNode, over: JsonNode): JsonNode {
  if (base.kind === 'array' && over.kind === 'array') return { ...over, items: [...base.items, ...over.items] };
  if (base.kind !== 'object' || over.kind !== 'object') return over;
  const members = new Map(base.members.map((member) => [member.name, member]));
  for (const member of over.members) {
    const known = members.get(member.name);
    members.set(member.name, known === undefined ? member : { ...member, value: overlaid(known.value, member.value) });
  }
  return { ...over, members: [...members.values()] };
}

function refuse(node: JsonNode, name: string, [state, hint]: readonly [string, string]): void {
  const found = memberOf(node, name);
  if (found !== undefined) throw wrong(found.span, state, hint);
}
