// Makes one chunk of those that are always run together.
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/**
 * Makes one file of those of a pack that are in the same of `groups`, sets of files with all that they import. What one of them has of
 * another is then a variable, and no getter of an object; and what nobody else asks for is not exported at all. Programs stay alone,
 * as they do something when they are loaded. Changes `members` and `texts`.
 */
export async function mergeChunks(groups, { members, isProgram, texts, options }) {
  const merged = new Set();
  for (const [number, group] of groups.entries()) {
    for (const [pack, files] of members) {
      const parts = files.filter((file) => group.has(file) && !merged.has(file) && !isProgram(file));
      if (parts.length < 2) continue;
      const into = join(parts[0], '..', `${pack}-together-${number}.js`);
      await mergeInto(into, { parts, texts, options });
      for (const file of parts) merged.add(file);
      members.set(pack, [into, ...files.filter((file) => !parts.includes(file))]);
    }
  }
}

async function mergeInto(into, { parts, texts, options }) {
  const names = new Map(parts.map((file, at) => [basename(file), `m${at}`]));
  const own = new Map(parts.map((file) => [basename(file), texts.get(file)]));
  for (const file of parts) texts.delete(file);
  const wanted = new Map([...names.values()].map((name) => [name, new Set()]));
  const whole = new Set();
  const redirect = (text) => redirected(text, { into: basename(into), names, wanted, whole });
  for (const [file, text] of texts) texts.set(file, redirect(text));
  // What a part loads later may be of the same chunk.
  for (const [file, text] of own) own.set(file, redirectedCalls(text, { into: basename(into), names, whole }));
  const entry = [];
  const members = [];
  for (const [file, name] of names) {
    const exported = exportedNames(own.get(file));
    const taken = whole.has(name) ? exported : [...wanted.get(name)];
    const clause = taken.map((each) => `${each} as ${name}_${each}`);
    entry.push(`import{${clause.join()}}from${JSON.stringify(`./${file}`)};`);
    members.push(...[...wanted.get(name)].sort().map((each) => `${name}_${each}`));
    if (whole.has(name)) members.push(`${name}:{${exported.map((each) => `${each}:${name}_${each}`).join()}}`);
  }
  texts.set(into, await mergedText(`${entry.join('')}${EXPORTS_OF_MERGED}={${members.join()}};`, { own, options }));
}

/** Stands for `module.exports`, which esbuild would take for the mark of a CommonJS module. */
export const EXPORTS_OF_MERGED = '__merged.exports';

const HERE = '/*import*/';
const IMPORTED = /\bimport(?:\{([^}]*)\}from)?"\.\/([\w.-]+\.js)"/g;
const IMPORTED_LATER = /\bimport\("\.\/([\w.-]+\.js)"\)/g;

/** A text that imports of the merged file what it imported of its parts. Adds to what is `wanted`, of which part, and which as a `whole`. */
function redirected(text, { into, names, wanted, whole }) {
  const clauses = [];
  const result = text.replace(IMPORTED, (found, clause, file) => {
    const name = names.get(file);
    if (name === undefined) return found;
    for (const each of clause?.split(',') ?? []) {
      const [from, to = from] = each.split(' as ');
      wanted.get(name).add(from);
      clauses.push(`${name}_${from} as ${to}`);
    }
    return HERE;
  });
  // One statement for all: each would become a call of the loader.
  const statement = `import{${clauses.join()}}from"./${into}"`;
  const once = result.replace(HERE, () => statement).replaceAll(HERE, '');
  return redirectedCalls(once, { into, names, whole });
}

function redirectedCalls(text, { into, names, whole }) {
  return text.replace(IMPORTED_LATER, (found, file) => {
    const name = names.get(file);
    if (name === undefined) return found;
    whole.add(name);
    return `import("./${into}").then(all=>all.${name})`;
  });
}

/** What a chunk of esbuild's exports, which its last statement has. */
function exportedNames(text) {
  const [, clause] = /\bexport\{([^}]*)\};\s*$/.exec(text) ?? [];
  return (clause ?? '')
    .split(',')
    .filter(Boolean)
    .map((each) => each.split(' as ').at(-1));
}

async function mergedText(contents, { own, options }) {
  const chunks = {
    name: 'chunks',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, ({ path, kind }) => {
        const file = basename(path);
        return own.has(file) && kind === 'import-statement'
          ? { path: file, namespace: 'chunk' }
          : { path, external: true };
      });
      onLoad({ filter: /./, namespace: 'chunk' }, ({ path }) => ({ contents: own.get(path) }));
    },
  };
  const { outputFiles } = await build({
    ...options,
    stdin: { contents, resolveDir: '.' },
    plugins: [chunks],
    format: 'esm',
    write: false,
  });
  const { text } = outputFiles[0];
  // Which would set later what is exported at the end.
  if (/\b__esm\(/.test(text)) throw new Error('esbuild makes a module of these chunks that runs later');
  return text;
}
