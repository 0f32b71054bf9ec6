import type { Finding } from './finding.js';

/** A keyword of the file as it is written, and what its rules have to say. */
export interface WrittenKeyword<Place> {
  readonly keyword: string;
  readonly place: Place;
}

/** Keywords that are not in the case of the majority; upper case if there is none. */
export function inconsistentCasing<Place>(
  keywords: readonly WrittenKeyword<Place>[],
): readonly (Finding & { readonly place: Place })[] {
  let lower = 0;
  let upper = 0;
  for (const { keyword } of keywords) {
    if (keyword === keyword.toLowerCase()) lower++;
    else if (keyword === keyword.toUpperCase()) upper++;
  }
  const casing = lower > upper ? 'lowercase' : 'uppercase';
  const wanted = (keyword: string): string => (casing === 'lowercase' ? keyword.toLowerCase() : keyword.toUpperCase());
  return keywords
    .filter(({ keyword }) => keyword !== wanted(keyword))
    .map(({ keyword, place }) => ({
      rule: 'ConsistentInstructionCasing',
      message: `Command '${keyword}' should match the case of the command majority (${casing})`,
      place,
    }));
}

const RESERVED_NAMES: readonly string[] = ['context', 'scratch'];

/** `earlier` are the names of the stages above. */
export function stageName(name: string, earlier: ReadonlySet<string>): readonly Finding[] {
  const findings: Finding[] = [];
  if (RESERVED_NAMES.includes(name)) {
    const message = `Stage name should not use the same name as reserved stage "${name}"`;
    findings.push({ rule: 'ReservedStageName', message });
  }
  if (earlier.has(name)) {
    const message = `Duplicate stage name "${name}", stage names should be unique`;
    findings.push({ rule: 'DuplicateStageName', message });
  }
  return findings;
}

export function stageNameCasing(written: string): readonly Finding[] {
  if (written === written.toLowerCase()) return [];
  return [{ rule: 'StageNameCasing', message: `Stage name '${written}' should be lowercase` }];
}

/** Only where FROM itself is in one case. */
export function asCasing(from: string, as: string): readonly Finding[] {
  const matches =
    from === from.toLowerCase() ? as === as.toLowerCase() : from !== from.toUpperCase() || as === as.toUpperCase();
  return matches ? [] : [{ rule: 'FromAsCasing', message: `'${as}' and '${from}' keywords' casing do not match` }];
}

/** The comment right above a stage or an argument that describes neither. */
export function definitionDescription(
  keyword: 'FROM' | 'ARG',
  names: readonly string[],
  comments: readonly string[],
): readonly Finding[] {
  const [word = ''] = comments.at(-1)?.split(' ') ?? [];
  const [first] = names;
  if (comments.length === 0 || first === undefined || names.includes(word)) return [];
  const name = names.length > 1 ? '<arg_key>' : first;
  const message = `Comment for ${keyword} should follow the format: \`# ${name} <description>\``;
  return [{ rule: 'InvalidDefinitionDescription', message }];
}
