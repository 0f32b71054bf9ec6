import { DOCKER_RULES, type DockerRuleName } from './docker-rules.js';
import { OWN_RULES, type OwnRuleName } from './own-rules.js';
import type { CheckRule } from './rule.js';

export type RuleName = DockerRuleName | OwnRuleName;

const RULES: ReadonlyMap<string, CheckRule> = new Map(
  [...Object.entries(DOCKER_RULES), ...Object.entries(OWN_RULES)].map(([name, rule]) => [name, { name, ...rule }]),
);

/** BuildKit's rules, then ours, each by name. */
export function allRules(): readonly CheckRule[] {
  return [...RULES.values()];
}

export function findRule(name: string): CheckRule | undefined {
  return RULES.get(name);
}

/** Whether it is one of BuildKit's. Only these make a check or a build fail: what is clean there is clean here. */
export function isDockerRule(name: string): name is DockerRuleName {
  return Object.hasOwn(DOCKER_RULES, name);
}
