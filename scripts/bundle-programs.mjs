// Bundles the programs of dist/bin as packs of chunks, which scripts/cli-loader.cjs loads.
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, transform } from 'esbuild';
import { EXPORTS_OF_MERGED, mergeChunks } from './merge-chunks.mjs';

/** The pack of what no other asks for. */
const REST = 'rest';

/**
 * Writes into `folder`, for each of `programs` (name → source), a loader, and the packs that they share. `packs` has, for each but
 * the last, the sources that it is there for; a chunk is in the first pack that needs it. `together` has lists of sources: what those
 * of a list need, and no list before it, becomes one chunk in each pack.
 */
export async function bundlePrograms({ programs, packs, together, folder, options }) {
  const { metafile, outputFiles } = await build({
    ...options,
    entryPoints: programs,
    outdir: folder,
    format: 'esm',
    splitting: true,
    write: false,
    metafile: true,
    define: { ...options.define, 'import.meta.url': '__bundle.url', 'import.meta.dirname': '__bundle.folder' },
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  const texts = new Map(outputFiles.map(({ path, text }) => [join(folder, basename(path)), text]));
  const members = assignChunks(outputs, packs);
  const groups = together.map((sources) => closureOf(outputs, sources));
  const isProgram = (file) => basename(file, '.js') in programs;
  for (const file of groups.flatMap((group) => [...group])) refuseLiveBindings(Object.keys(outputs.get(file).inputs));
  await mergeChunks(groups, { members, isProgram, texts, options });
  const ids = new Map([...members].flatMap(([pack, files]) => files.map((file, at) => [file, `${pack}/${at}`])));
  const helpers = await helpersOf(options.target);
  const builtins = new Set();
  const packTexts = new Map();
  for (const [pack, files] of members) {
    const chunks = files.map(async (file) => {
      const code = await linked(texts.get(file), { file, ids, helpers, builtins, target: options.target });
      const { format } = metafile.inputs[outputs.get(file)?.entryPoint] ?? {};
      return format === 'cjs' ? `${code}${MEMBERS_OF_DEFAULT}` : code;
    });
    packTexts.set(pack, packText(await Promise.all(chunks), helpers));
  }
  const mark = `/*${digestOf([...packTexts.values()].join(''))}*/`;
  const table = {};
  for (const [pack, text] of packTexts) {
    writeFileSync(join(folder, `${pack}.js`), `${mark}${text}`);
    table[pack] = { digest: digestOf(text), size: members.get(pack).length };
  }
  const loader = readFileSync('scripts/cli-loader.cjs', 'utf8')
    .replace('PACK_TABLE', () => JSON.stringify(table))
    .replace('BUNDLE_MARK', () => mark)
    .replace('BUILTINS', () => [...builtins].sort().join(' '));
  for (const name of Object.keys(programs)) {
    const file = join(folder, `${name}.js`);
    writeFileSync(
      file,
      loader.replace('FIRST_CHUNK', () => ids.get(file)),
    );
    chmodSync(file, 0o755);
  }
}

const digestOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** @returns the files of each pack; in an order that depends on nothing but the sources, as import() has the order it has */
function assignChunks(outputs, packs) {
  const free = new Set([...outputs.keys()].sort());
  const members = new Map();
  for (const [pack, sources] of Object.entries(packs)) {
    const files = closureOf(outputs, sources);
    members.set(
      pack,
      [...files].filter((file) => free.delete(file)),
    );
  }
  return members.set(REST, [...free]);
}

/** What a merged chunk exports has the value that it has when the chunk has run. */
function refuseLiveBindings(sources) {
  for (const source of sources) {
    const found = /^export (let|var) .*/m.exec(readFileSync(source, 'utf8'));
    if (found !== null) throw new Error(`${source} may change what it exports, and cannot be merged: ${found[0]}`);
  }
}

const closureOf = (outputs, sources) =>
  new Set(sources.flatMap((source) => withImports(outputs, chunkOf(outputs, source))));

/** The chunk that begins with a source, which is told by the end of its path. */
function chunkOf(outputs, source) {
  const found = [...outputs].filter(([, { entryPoint = '' }]) => `/${entryPoint}`.endsWith(`/${source}`));
  if (found.length !== 1) throw new Error(`${found.length} chunks begin with "${source}", not one`);
  return found[0][0];
}

/** A file behind all that it imports other than by import(). */
function withImports(outputs, file, seen = new Set()) {
  if (seen.has(file)) return [];
  seen.add(file);
  const imports = outputs.get(file).imports.filter(({ kind, external }) => kind === 'import-statement' && !external);
  return [...imports.flatMap(({ path }) => withImports(outputs, path, seen)), file];
}

/** Node gives who imports a CommonJS package its members by their names; esbuild, where it splits, the whole only. */
const MEMBERS_OF_DEFAULT = '__copyProps(stdin_exports,stdin_exports.default,"default");';

/** What begins the exports of a module that esbuild has turned into CommonJS. */
const EXPORTS = 'var stdin_exports={};';

/** A chunk as CommonJS that gets other chunks from the loader. */
async function linked(text, { file, ids, helpers, builtins, target }) {
  const { code } = await transform(text, toCommonJs(target));
  const idOf = (name) => {
    const id = ids.get(join(file, '..', name));
    if (id === undefined) throw new Error(`${file} imports "${name}", which is no chunk`);
    return JSON.stringify(id);
  };
  const result = withLazyBuiltins(withoutHelpers(code, helpers), builtins)
    .replace(/\brequire\("\.\/([\w.-]+\.js)"\)/g, (_, name) => `__bundle.load(${idOf(name)})`)
    .replace(/\bimport\("\.\/([\w.-]+\.js)"\)/g, (_, name) => `__bundle.loadLater(${idOf(name)})`)
    .replace(/\bimport\(("\.\/[\w.-]+\.mjs")\)/g, (_, name) => `__bundle.importFile(${name})`)
    .replace(EXPORTS_OF_MERGED, 'module.exports');
  const left = /\b(?:require|import)\("\.[^"]*"\)/.exec(result);
  if (left !== null) throw new Error(`${file} has ${left[0]}, which nothing can load`);
  return result;
}

const toCommonJs = (target) => ({
  format: 'cjs',
  platform: 'node',
  target,
  minifySyntax: true,
  minifyWhitespace: true,
});

/** The helpers that esbuild puts before each module. What is exported needs one getter, not a second behind it. */
async function helpersOf(target) {
  const everything = 'import d,*as n from"x";export*from"y";export const a=d(n.b,()=>import("z"));';
  const { code } = await transform(everything, toCommonJs(target));
  const text = code.slice(0, code.indexOf(EXPORTS));
  return `${text}__toCommonJS=mod=>__defProp(mod,"__esModule",{value:!0});`;
}

function withoutHelpers(code, helpers) {
  const start = code.indexOf(EXPORTS);
  if (start === -1) return code;
  for (const [name] of code.slice(0, start).matchAll(/\b__\w+(?==)/g)) {
    if (!helpers.includes(`${name}=`)) throw new Error(`esbuild has a helper ${name} that is not known`);
  }
  // Its last statement, which never runs, is there for other programs to read.
  return code.slice(start).replace(/0&&\(module\.exports=\{[^}]*\}\);\s*$/, '');
}

/** Modules of Node are loaded when something of them is first used: many of a chunk's imports are for what one run does not do. */
function withLazyBuiltins(code, builtins) {
  let result = code;
  for (const [declaration, variable, name] of code.matchAll(/\b(import_\w+)=require\("node:([\w/]+)"\)/g)) {
    builtins.add(name);
    result = result
      .replace(declaration, `${variable}=0`)
      .replace(new RegExp(`\\b${variable}\\.`, 'g'), `__bundle.node[${JSON.stringify(name)}].`);
    const uses = result.split(new RegExp(`\\b${variable}\\b`)).length - 1;
    if (uses !== 1) throw new Error(`node:${name} is used other than by its members`);
  }
  return result;
}

function packText(chunks, helpers) {
  const functions = chunks.map((chunk) => `function(module,exports){${chunk}\n}`);
  return `(function(__bundle,require){${helpers}\nreturn[${functions.join(',\n')}]})`;
}
