import type { Dockerfile } from '../../../src/parser/instruction.js';
import type { TsbuildError } from '../../../src/support/errors.js';
import type { SourceRange } from '../../../src/support/source-range.js';

/** A parsed Dockerfile as lines that a person can compare with its text. */
export function describeDockerfile({ escape, globalArgs, stages, warnings }: Dockerfile): string {
  const lines = [`escape ${escape}`];
  for (const arg of globalArgs) lines.push(describeRecord(arg));
  for (const { instructions, ...from } of stages) {
    lines.push(describeRecord({ keyword: 'FROM', ...from }));
    for (const instruction of instructions) lines.push(`  ${describeRecord(instruction)}`);
  }
  for (const { rule, message, source } of warnings) lines.push(`warning ${rule} ${describeRange(source)} ${message}`);
  return `${lines.join('\n')}\n`;
}

export function describeError({ code, source, message, hint }: TsbuildError): string {
  return `${code} at ${source === undefined ? '?' : describeRange(source)}\n${message}\nhint: ${hint}\n`;
}

function describeRecord(record: { readonly keyword: string; readonly source: SourceRange }): string {
  const { keyword, source, ...rest } = record;
  return `${keyword} ${describeRange(source)} ${JSON.stringify(rest, describeValue)}`;
}

/** Lists, switches and choices that are as they are without the flag say nothing. */
function describeValue(name: string, value: unknown): unknown {
  if (name === 'source') return describeRange(value as SourceRange);
  if (name === 'network' || name === 'security') return value === 'default' || value === 'sandbox' ? undefined : value;
  if (name === 'link' || name === 'parents') return value === true ? true : undefined;
  const listed = ['files', 'exclude', 'mounts', 'devices'].includes(name);
  return listed && Array.isArray(value) && value.length === 0 ? undefined : value;
}

function describeRange({ start, end }: SourceRange): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}
