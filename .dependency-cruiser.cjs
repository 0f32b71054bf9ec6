// Who may import whom. Read a row as: this folder may import these, and nothing else of ours.
const mayImport = {
  support: [],
  oci: ['support'],
  parser: ['support'],
  sandbox: ['support'],
  store: ['support', 'oci'],
  layers: ['support', 'oci', 'store'],
  registry: ['support', 'oci', 'store', 'layers'],
  // Definition files: what they say, and nothing of how it is built.
  bake: ['support', 'parser'],
  testing: ['support', 'oci'],
  machine: ['support', 'sandbox', 'registry', 'store'],
  builder: ['support', 'oci', 'parser', 'sandbox', 'registry', 'store', 'layers'],
  // The parts of the composition root: what takes more than one of the folders above.
  toolchain: ['support', 'oci', 'parser', 'sandbox', 'registry', 'store', 'layers', 'machine', 'builder'],
  cli: [
    'support',
    'oci',
    'parser',
    'sandbox',
    'registry',
    'store',
    'layers',
    'machine',
    'builder',
    'bake',
    'toolchain',
  ],
};
// The one place that may know each third-party package.
const home = {
  'dockerfile-ast': '^src/parser/',
  'tar-stream': '^src/layers/tar/',
  ssri: '^src/store/',
  'p-queue': '^src/support/limiter\\.ts$',
  'fs-extra': '^src/support/files\\.ts$',
  koffi: '^src/support/syscalls\\.ts$',
  'smol-toml': '^src/registry/config/',
  fzstd: '^src/layers/compression/',
  '@bokuweb': '^src/layers/compression/',
  'xz-decompress': '^src/layers/compression/',
  '@ts-graphviz': '^src/builder/graph-dot\\.ts$',
  '@viz-js': '^src/cli/picture/',
  '@resvg': '^src/cli/picture/',
  ink: '^src/cli/tui/',
  react: '^src/cli/tui/',
  'string-width': '^src/cli/(tui|progress)/',
  yaml: '^src/(builder/devices|bake/compose)/',
};
const folders = Object.entries(mayImport).map(([from, to]) => ({
  name: `${from}-imports`,
  severity: 'error',
  comment: `src/${from}/ may import: ${to.join(', ') || 'nothing of ours'}`,
  from: { path: `^src/${from}/` },
  to: {
    path: '^src/[^/]+/',
    pathNot: [from, ...to].map((folder) => `^src/${folder}/`),
  },
}));
const packages = Object.entries(home).map(([name, path]) => ({
  name: `home-of-${name.replace(/\W/g, '')}`,
  severity: 'error',
  from: { pathNot: path },
  to: { path: `node_modules/${name}(/|$)` },
}));
module.exports = {
  forbidden: [
    {
      name: 'resolvable',
      comment: 'an import that is not resolved slips through every other rule',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'solver-is-generic',
      severity: 'error',
      from: { path: '^src/builder/solver/' },
      to: { path: '^src/(parser|sandbox|registry|store|layers)/' },
    },
    {
      name: 'library-knows-no-cli',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'testing-is-for-tests',
      comment: 'the registry for tests is reached through the entry tsbuild/testing alone',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/testing(/|\\.ts$)' },
      to: { path: '^src/testing(/|\\.ts$)' },
    },
    {
      name: 'composition-is-last',
      comment: 'only cli and the entry files above the folders may reach the composition root',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
      to: { path: '^src/[^/]+\\.ts$', pathNot: '^src/version\\.ts$' },
    },
    {
      name: 'workers-by-url-only',
      comment: 'a worker entry runs at import: reach it with new URL(…, import.meta.url)',
      severity: 'error',
      from: {},
      to: { path: '-worker\\.ts$' },
    },
    { name: 'kebab-case', severity: 'error', from: {}, to: { path: '^src/.*[A-Z_]' } },
    ...folders,
    ...packages,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.d.ts'],
    },
  },
};
