import { expandTemplate } from '../../../src/parser/expand-template.js';
import type { Dockerfile, Instruction, Template } from '../../../src/parser/instruction.js';
import { type ParsedMount, parseMount } from '../../../src/parser/instructions/run/parse-mount.js';
import { parseDockerfile } from '../../../src/parser/parse-dockerfile.js';
import { isTsbuildError, type TsbuildError } from '../../../src/support/errors.js';

export function parse(text: string): Dockerfile {
  return parseDockerfile(text, { file: 'Dockerfile' });
}

/** The instructions behind a first line `FROM scratch`. */
export function instructionsOf(text: string): readonly Instruction[] {
  return parse(`FROM scratch\n${text}`).stages[0].instructions;
}

/** Those of one keyword, without source and text. */
export function bodiesOf(text: string): readonly object[] {
  const common = ['keyword', 'source', 'text'];
  return instructionsOf(text).map((instruction) =>
    Object.fromEntries(Object.entries(instruction).filter(([name]) => !common.includes(name))),
  );
}

export function scriptsOf(text: string): readonly string[] {
  return instructionsOf(text).map((instruction) =>
    'command' in instruction && instruction.command?.form === 'shell' ? instruction.command.script : '?',
  );
}

export function errorOf(action: () => unknown): TsbuildError {
  try {
    action();
  } catch (error) {
    if (isTsbuildError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** Where errors of a text say it stands when the text is not in a file. */
export const NOWHERE = { file: 'Dockerfile', start: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

export function expand(
  template: Template | string,
  env: Record<string, string> = {},
  escape: '\\' | '`' = '\\',
): string {
  const lookUp = (name: string): string | undefined => (Object.hasOwn(env, name) ? env[name] : undefined);
  return expandTemplate(template as Template, { env: lookUp, escape, source: NOWHERE });
}

/** The mount of `RUN --mount=<text>`, which may have no blanks in it. */
export function mountOf(text: string, env: Record<string, string> = {}): ParsedMount {
  const [run] = instructionsOf(`RUN --mount=${text} true`);
  const [flag] = run?.keyword === 'RUN' ? run.mounts : [];
  if (flag === undefined) throw new Error('there is no mount');
  return parseMount(flag, (template) => expand(template, env));
}
