import type { Dockerfile, ParseWarning, Stage, Template } from '../../../parser/instruction.js';
import { expandTemplate } from '../../../parser/expand-template.js';
import type { Finding } from '../../../parser/checks/finding.js';
import {
  constantPlatform,
  invalidDefault,
  redundantPlatform,
  undefinedArgument,
} from '../../../parser/checks/messages.js';
import { parsePlatform, type Platform } from '../../../oci/platform.js';
import { parseReference } from '../../../oci/reference.js';
import type { GlobalArguments } from '../global-arguments.js';
import { orUndefined } from './or-undefined.js';

export interface FromChecks {
  readonly dockerfile: Dockerfile;
  readonly globals: GlobalArguments;
  /** What the same would be without build arguments; `undefined` if a default cannot be expanded. */
  readonly defaults: GlobalArguments | undefined;
  readonly warn: (warning: ParseWarning) => void;
}

/** All FROM lines of the file, whether their stages are needed or not, as BuildKit does (buildDispatchStates). */
export function checkStageStarts(checks: FromChecks): void {
  checkDefaults(checks);
  const { dockerfile, globals } = checks;
  const declared = dockerfile.globalArgs.flatMap(({ entries }) => entries.map(({ name }) => name));
  const known = new Set([...globals.keys(), ...declared]);
  for (const stage of dockerfile.stages) {
    const { base, platform } = stage;
    for (const template of platform === undefined ? [base] : [base, platform]) {
      for (const name of expanded(template, { checks, values: globals, stage })?.missing ?? []) {
        if (!known.has(name)) report(undefinedArgument(name, known), stage, checks);
      }
    }
    if (platform !== undefined) checkPlatform(platform, stage, checks);
  }
}

function checkPlatform(written: Template, stage: Stage, checks: FromChecks): void {
  const result = expanded(written, { checks, values: checks.globals, stage });
  if (result === undefined) return;
  const { text, found, missing } = result;
  if (missing.size > 0) return;
  if (found.size === 1 && found.has('TARGETPLATFORM') && text === checks.globals.get('TARGETPLATFORM')) {
    report(redundantPlatform(written), stage, checks);
  }
  const platform = found.size === 0 ? platformOf(text) : undefined;
  const { name = '' } = stage;
  if (platform !== undefined && !name.includes(platform.os) && !name.includes(platform.architecture)) {
    report(constantPlatform(text), stage, checks);
  }
}

/** Names must make sense without any build argument, too. */
function checkDefaults(checks: FromChecks): void {
  const { dockerfile, defaults, warn } = checks;
  if (defaults === undefined) return;
  for (const stage of dockerfile.stages) {
    const base = expanded(stage.base, { checks, values: defaults, stage });
    if (base === undefined) return;
    // No comment skips this one: BuildKit looks before it reads them.
    if (!isReference(base.text)) warn({ ...invalidDefault(stage.base), source: stage.source });
  }
}

function report(finding: Finding, { source, check }: Stage, { warn }: FromChecks): void {
  warn({ ...finding, source, ...(check !== undefined && { check }) });
}

interface Expanded {
  readonly text: string;
  /** Variables that are set, and those that are not. */
  readonly found: ReadonlySet<string>;
  readonly missing: ReadonlySet<string>;
}

/** `undefined` for what cannot be expanded: where the stage is needed, that is an error. */
function expanded(
  template: Template,
  { checks, values, stage }: { readonly checks: FromChecks; readonly values: GlobalArguments; readonly stage: Stage },
): Expanded | undefined {
  const found = new Set<string>();
  const missing = new Set<string>();
  const env = (name: string): string | undefined => {
    const value = values.get(name);
    (value === undefined ? missing : found).add(name);
    return value;
  };
  const text = orUndefined(() =>
    expandTemplate(template, { env, escape: checks.dockerfile.escape, source: stage.source }),
  );
  return text === undefined ? undefined : { text, found, missing };
}

function platformOf(text: string): Platform | undefined {
  return orUndefined(() => parsePlatform(text));
}

function isReference(text: string): boolean {
  return orUndefined(() => parseReference(text)) !== undefined;
}
