import { expect, test } from 'vitest';
import type { CheckRule } from '../../../../src/parser/checks/rule.js';
import { allRules, isDockerRule } from '../../../../src/parser/checks/rules.js';

const plain = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function section(rules: readonly CheckRule[]): readonly string[] {
  return rules.flatMap(({ name, description, url, experimental, quiet, fix }) => [
    `### ${name}`,
    '',
    `${plain(description)}.`,
    '',
    plain(fix),
    ...(experimental === true ? ['', `Experimental: off without \`# check=experimental=${name}\`.`] : []),
    ...(quiet === true ? ['', 'Said by `tsbuild check` alone.'] : []),
    ...(url === undefined ? [] : ['', `More: <${url}>`]),
    '',
  ]);
}

/** `npx vitest run test/unit/parser/checks/checks-doc.test.ts -u` writes the page anew. */
test('docs/checks.md lists every rule', async () => {
  const rules = allRules().toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const page = [
    '# Checks',
    '',
    '<!-- Made from src/parser/checks/; see test/unit/parser/checks/checks-doc.test.ts. -->',
    '',
    '`tsbuild check PATH` tells of all that is legal in a Dockerfile and likely a mistake, without building it; `tsbuild build --check`',
    'and `--call=check` do the same in the words of `docker build`. A build tells of the same, but for the rules that are marked below.',
    '',
    "The exit status is 1 when one of BuildKit's rules has something to say, as with Docker, and 0 when only our own have.",
    '',
    'A rule is switched off for the file by a first line `# check=skip=RuleA,RuleB` (or `skip=all`), and for one instruction by the same',
    "comment right above it. `# check=error=true` at the top lets a build fail where one of BuildKit's rules is broken.",
    '`--build-arg BUILDKIT_DOCKERFILE_CHECK=skip=RuleA;error=true` takes the place of the line at the top.',
    '',
    '## Rules of BuildKit',
    '',
    'Names, messages and lines are those of its linter.',
    '',
    ...section(rules.filter(({ name }) => isDockerRule(name))),
    '## Rules of tsbuild',
    '',
    'What people get wrong on the way to their first image. The same advice is the hint of a step that fails for it.',
    '',
    ...section(rules.filter(({ name }) => !isDockerRule(name))),
  ];
  await expect(page.join('\n')).toMatchFileSnapshot('../../../../docs/checks.md');
});

test('there are the 22 rules of BuildKit, and every rule says what to do', () => {
  expect(allRules().filter(({ name }) => isDockerRule(name))).toHaveLength(22);
  for (const { name, fix, description } of allRules()) {
    expect(fix, name).toMatch(/^[A-Z].*\.$/s);
    expect(description, name).toMatch(/^[A-Z]/);
  }
});
