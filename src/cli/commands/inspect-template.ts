import { TsbuildError } from '../../support/errors.js';

/** Text as it is, or a value: by its path, as JSON or as plain text. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly path: readonly string[]; readonly json: boolean };

export type Template = readonly Part[];

const EXPRESSION = /^(json )?\.([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)?$/;

/**
 * The part of Docker's templates (Go's text/template) that scripts use: `{{.Config.User}}` and `{{json .Config}}`.
 * @throws `USAGE` for all else
 */
export function parseTemplate(text: string): Template {
  return text.split(/(\{\{.*?\}\})/s).flatMap((piece): Part[] => {
    if (piece === '') return [];
    if (!piece.startsWith('{{')) return [{ kind: 'text', text: piece }];
    const match = EXPRESSION.exec(piece.slice(2, -2).trim());
    if (match === null) throw unsupported(piece);
    return [{ kind: 'value', path: match[2]?.split('.') ?? [], json: match[1] !== undefined }];
  });
}

/** @throws `USAGE` when a path leads nowhere */
export function renderTemplate(template: Template, value: unknown): string {
  return template
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const found = lookUp(value, part.path);
      return typeof found === 'string' && !part.json ? found : JSON.stringify(found);
    })
    .join('');
}

function lookUp(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const [index, name] of path.entries()) {
    const isObject = typeof current === 'object' && current !== null;
    if (isObject && Object.hasOwn(current as object, name)) current = (current as Record<string, unknown>)[name];
    // Docker's types have every member: one that this image lacks is empty.
    else if (index > 0) return '';
    else throw unknownMember(name, isObject ? Object.keys(current as object) : []);
  }
  return current ?? '';
}

function unsupported(piece: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use --format "${piece}": no such expression`, {
    hint: 'Supported are {{.Name}} and {{json .Name}}, with members of members as .Config.Env; --format json gives all.',
  });
}

function unknownMember(name: string, members: readonly string[]): TsbuildError {
  return new TsbuildError('USAGE', `cannot use --format ".${name}": an image has no such member`, {
    hint: `There are ${members.join(', ')}.`,
  });
}
