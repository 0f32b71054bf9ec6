// House rules, each with its replacement.
import n from 'eslint-plugin-n';
import ts from 'typescript-eslint';

const ban = (selector, message) => ({ selector, message });

const everywhere = [
  ban("CallExpression[callee.property.name='pipe']", 'Use pipeline() from node:stream/promises: .pipe() loses errors.'),
  ban(
    "CallExpression[callee.property.name='on'][arguments.0.value='data']",
    'Iterate with for await: a data listener ignores backpressure.',
  ),
  ban('TSEnumDeclaration', 'Use a union of string literals.'),
  ban('ExportDefaultDeclaration', 'Named exports only.'),
  ban('ClassDeclaration[superClass][superClass.name!=/Error$/]', 'Compose; only errors inherit.'),
];
const outsideCli = [
  ban(
    "MemberExpression[object.name='process'][property.name=/^(exit|exitCode|env|argv|stdout|stderr|cwd)$/]",
    'Only src/cli may touch the process; take the value as a parameter.',
  ),
];
const reproducible = [
  ban(
    "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    'Output must not depend on the clock; take a Clock.',
  ),
  ban('NewExpression[callee.name="Date"][arguments.length=0]', 'Output must not depend on the clock; take a Clock.'),
  ban("CallExpression[callee.object.name='Math'][callee.property.name='random']", 'Output must not depend on chance.'),
];

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'fixtures/'] },
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [...ts.configs.strictTypeChecked, ...ts.configs.stylisticTypeChecked],
    plugins: { n },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `using _lock` holds something for its scope.
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_' }],
      'n/prefer-node-protocol': 'error',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 12],
      'max-params': ['error', 3],
      'max-depth': ['error', 4],
      'no-restricted-syntax': ['error', ...everywhere, ...outsideCli],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:child_process',
              message: 'Use support/child-process.ts: it kills, escapes and reports the same way for all.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/{layers,oci,builder}/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere, ...outsideCli, ...reproducible] },
  },
  {
    files: ['src/cli/**/*.{ts,tsx}', 'src/**/*-worker.ts'],
    rules: { 'no-restricted-syntax': ['error', ...everywhere], 'no-console': 'off' },
  },
  {
    files: ['src/support/child-process.ts', 'src/sandbox/**/*-worker.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    // AssemblyScript: its types are numbers to TypeScript, so that rules which ask for types would say wrong things.
    files: ['assembly/**/*.ts'],
    extends: [...ts.configs.recommended],
    rules: {
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 12],
      'max-depth': ['error', 4],
      'no-restricted-syntax': ['error', ...everywhere],
    },
  },
  {
    files: ['test/**/*.ts'],
    extends: [...ts.configs.recommended],
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_' }],
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
    },
  },
);
