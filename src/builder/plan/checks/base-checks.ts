import type { Finding } from '../../../parser/checks/finding.js';
import { otherPlatform } from '../../../parser/checks/messages.js';
import { formatPlatform, normalizePlatform } from '../../../oci/platform.js';
import { parseReference } from '../../../oci/reference.js';
import { expandTemplate } from '../../../parser/expand-template.js';
import type { ParseWarning, Stage } from '../../../parser/instruction.js';
import type { BaseImage } from '../base-lookup.js';
import type { GlobalArguments } from '../global-arguments.js';
import type { NeededStage } from '../needed-stages.js';
import { orUndefined } from './or-undefined.js';

export interface BaseChecks {
  readonly globals: GlobalArguments;
  readonly escape: '\\' | '`';
  readonly warn: (warning: ParseWarning) => void;
}

/** The images that stages start from, and those they copy from. */
export function checkBases(needed: readonly NeededStage[], checks: BaseChecks): void {
  for (const { base, stage, commands } of needed) {
    if (base.kind === 'image') checkBase(stage, base.image, checks);
    for (const { instruction, from } of commands) {
      if (from?.kind !== 'image' || !('from' in instruction)) continue;
      report(platformFindings(instruction.from, from.image), { source: instruction.source }, checks);
    }
  }
}

function checkBase({ base, source, check }: Stage, image: BaseImage, checks: BaseChecks): void {
  const { globals, escape } = checks;
  const name = expandTemplate(base, { env: (key) => globals.get(key), escape, source });
  // No comment skips the first: BuildKit reads none for it.
  report(platformFindings(name, image), { source }, checks);
  report(unpinnedBase(name), check === undefined ? { source } : { source, check }, checks);
}

function report(
  findings: readonly Finding[],
  place: Pick<ParseWarning, 'source' | 'check'>,
  { warn }: BaseChecks,
): void {
  for (const finding of findings) warn({ ...finding, ...place });
}

/** An image that is not for the platform it was asked for; BuildKit looks at system and architecture alone. */
function platformFindings(name: string, { resolved, platform }: BaseImage): readonly Finding[] {
  if (resolved.unknown === true) return [];
  const { os, architecture, variant, rootfs } = resolved.config;
  if (rootfs.diff_ids.length === 0 || (os === platform.os && architecture === platform.architecture)) return [];
  const actual = normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
  return [otherPlatform(name, { expected: formatPlatform(platform), actual: formatPlatform(actual) })];
}

/** A FROM that means another image tomorrow. */
function unpinnedBase(name: string): readonly Finding[] {
  const reference = orUndefined(() => parseReference(name));
  if (reference === undefined) return [];
  const { tag, digest, repository } = reference;
  if (digest !== undefined || (tag !== undefined && tag !== 'latest')) return [];
  const version = repository.split('/').at(-1) ?? '';
  const message = `"FROM ${name}" takes whatever is the latest on the day: name a version, as in ${version}:1.2`;
  return [{ rule: 'tsbuild/UnpinnedBase', message }];
}
