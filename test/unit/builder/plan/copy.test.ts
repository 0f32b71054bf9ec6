import { describe, expect, test } from 'vitest';
import type { CopyOperation } from '../../../../src/builder/operation.js';
import type { ParseWarning } from '../../../../src/parser/instruction.js';
import { historyLines, labels, operations, planError, planText, vertices } from './plan-text.js';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

async function copyOf(line: string): Promise<CopyOperation> {
  const [copy] = operations(await planText(`FROM busybox\nWORKDIR /w\nARG V=value\n${line}\n`), 'copy');
  if (copy === undefined) throw new Error('no copy');
  return copy;
}

/** What a copy reads from, in the order of its inputs. */
async function inputsOf(line: string): Promise<readonly unknown[]> {
  const plan = await planText(`FROM busybox\n${line}\n`);
  const copy = vertices(plan).find(({ operation }) => operation.kind === 'copy');
  return (copy?.inputs ?? []).slice(1).map((id) => plan.graph.vertices.get(id)?.operation);
}

describe('flags of COPY and ADD', () => {
  test.each<[string, Partial<CopyOperation>]>([
    ['COPY --link a /x', { link: true }],
    ['COPY --link --chown=1:root a /x', { link: true, chown: '1:root' }],
    ['COPY --exclude=*.log --exclude=!a.log a /x', { exclude: ['*.log', '!a.log'] }],
    ['COPY --chmod=u=rwX,go=rX a /x', { chmod: 'u=rwX,go=rX' }],
    ['ADD --unpack=false a /x', { unpack: false }],
    ['ADD --unpack a /x', { unpack: true }],
    ['COPY --parents a/b /x/', { parents: true, sources: [{ kind: 'path', input: 1, pattern: 'a/b' }] }],
    ['COPY --parents ./a/./b/../c/ /x/', { sources: [{ kind: 'path', input: 1, pattern: 'c', pivot: 'a' }] }],
    ['COPY --parents a/*/./**/c /x/', { sources: [{ kind: 'path', input: 1, pattern: '**/c', pivot: 'a/*' }] }],
    ['COPY a/./b /x/', { sources: [{ kind: 'path', input: 1, pattern: 'a/b' }] }],
  ])('%s', async (line, expected) => {
    expect(await copyOf(line)).toMatchObject(expected);
  });

  test('flags that are not given leave no trace in the operation', async () => {
    const flags = ['kind', 'keyword', 'fromContext', 'sources', 'destination'];
    expect(Object.keys(await copyOf('COPY --link=false a /x'))).toEqual(flags);
  });

  test('pitfall 96: --link is left out beside --chmod, with a warning', async () => {
    const warnings: ParseWarning[] = [];
    const plan = await planText('FROM busybox\nCOPY --link --chmod=600 a /x\n', { warnings });
    expect(operations(plan, 'copy')[0]).not.toHaveProperty('link');
    expect(warnings.map(({ message }) => message)).toContain('--link has no effect on COPY with --chmod');
  });

  test('--link cannot look up a name', async () => {
    for (const owner of ['app', '1:staff']) {
      expect(await planError(`FROM busybox\nCOPY --link --chown=${owner} a /x\n`)).toMatchObject({
        code: 'DOCKERFILE_SEMANTICS',
        message: `cannot look up owner "${owner}": --link does not see the image`,
        source: { start: { line: 2 } },
      });
    }
  });

  test('history has the flags that BuildKit writes, in its order, and what was expanded', async () => {
    const lines = [
      'COPY --exclude=x --chmod=+x --chown=$V:1 --link=false --parents $V /$V/',
      'ADD --unpack=false a.tar https://me:secret@example.com/f?token=1 <<b /x/',
      'body',
      'b',
    ];
    const plan = await planText(`FROM busybox\nARG V=v\n${lines.join('\n')}\n`);
    expect(historyLines(plan).slice(-2)).toEqual([
      'layer: COPY --parents --chown=v:1 --chmod=+x v /v/ # buildkit',
      'layer: ADD a.tar https://…@example.com/f?token=… <<b /x/ # buildkit',
    ]);
    expect(labels(plan).join('\n')).not.toContain('secret');
  });
});

describe('sources of COPY and ADD', () => {
  test('pitfall 104: heredocs are expanded unless quoted, quotes stay, the escape is a backslash', async () => {
    const lines = ['# escape=`', 'FROM busybox', 'ARG V=1', 'COPY <<a <<"b" f /x/', '$V "q" \\$V `$V', 'a', '$V', 'b'];
    const plan = await planText(`${lines.join('\n')}\n`);
    expect(operations(plan, 'copy')[0]?.sources).toEqual([
      { kind: 'path', input: 1, pattern: 'f' },
      { kind: 'inline', name: 'a', content: '1 "q" $V `1\n' },
      { kind: 'inline', name: 'b', content: '$V\n' },
    ]);
  });

  test('pitfall 104: quotes in a heredoc are characters as any other: in them is expanded, and none need be closed', async () => {
    const plan = await planText("FROM busybox\nARG V=1\nCOPY <<a /x\ndon't '$V' \"${V:-2}\" \\n\na\n");
    expect(operations(plan, 'copy')[0]?.sources).toEqual([
      { kind: 'inline', name: 'a', content: "don't '1' \"1\" n\n" },
    ]);
  });

  test('a variable that a heredoc uses and nobody sets is warned of', async () => {
    const warnings: ParseWarning[] = [];
    await planText('FROM busybox\nCOPY <<a /x\n$NOPE\na\n', { warnings });
    expect(warnings.map(({ rule }) => rule)).toContain('UndefinedVar');
  });

  test.each(['c/d', '..', '.'])('a heredoc cannot be called %j', async (name) => {
    expect(await planError(`FROM busybox\nCOPY <<${name} /x/\n${name}\n`)).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: `cannot copy heredoc "${name}": its word is no name for a file`,
    });
  });

  test('only what is read is an input: no context for heredocs and URLs', async () => {
    expect(await inputsOf('COPY <<a /x\na')).toEqual([]);
    expect(await inputsOf('ADD https://example.com/f /x')).toEqual([
      { kind: 'http', url: 'https://example.com/f', name: 'f' },
    ]);
    expect(await inputsOf('COPY a b /x/')).toEqual([{ kind: 'context' }]);
  });

  test('inputs are numbered as they come, each once', async () => {
    const line = 'ADD https://example.com/f a https://example.com/f b git@example.com:r.git /x/';
    const plan = await planText(`FROM busybox\n${line}\n`);
    expect(operations(plan, 'copy')[0]?.sources).toEqual([
      { kind: 'remote', input: 1, name: 'f' },
      { kind: 'path', input: 2, pattern: 'a' },
      { kind: 'remote', input: 1, name: 'f' },
      { kind: 'path', input: 2, pattern: 'b' },
      { kind: 'remote', input: 3, name: '' },
    ]);
    expect((await inputsOf(line)).map((operation) => (operation as { kind: string }).kind)).toEqual([
      ...['http', 'context', 'git'],
    ]);
  });

  test('pitfall 99: a URL without a name is called so', async () => {
    expect((await copyOf('ADD https://example.com/ /x/')).sources).toEqual([
      { kind: 'remote', input: 1, name: '__unnamed__' },
    ]);
  });

  test.each([
    'http://example.com/x',
    'https://example.com/x.git#v1',
    'git://example.com/x',
    'ssh://git@example.com/x',
    'git@example.com:a/b.git',
  ])('pitfalls 101 and 102: %s is for ADD, in COPY it is an error', async (url) => {
    expect((await copyOf(`ADD ${url} /x/`)).sources).toMatchObject([{ kind: 'remote' }]);
    expect(await planError(`FROM busybox\nCOPY f ${url} /x/\n`)).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      source: { start: { line: 2 } },
      hint: 'ADD takes URLs and git repositories.',
    });
  });

  test('history has the query of a repository, which says where to look, and not its token', async () => {
    const plan = await planText(
      'FROM busybox\nADD https://example.com/r.git?branch=b https://token@example.com/r.git?branch=b /x/\n',
    );
    expect(historyLines(plan).at(-1)).toBe(
      'layer: ADD https://example.com/r.git?branch=b https://…@example.com/r.git#refs/heads/b /x/ # buildkit',
    );
  });

  test('the password in a URL is not shown', async () => {
    const error = await planError('FROM busybox\nCOPY https://me:secret@example.com/x /\n');
    expect(error.message).toBe('cannot copy "https://…@example.com/x": COPY takes files, not URLs');
  });
});

describe('--checksum and --keep-git-dir', () => {
  test('pitfall 103: a digest for a URL, a commit or its beginning for a repository', async () => {
    expect(await inputsOf(`ADD --checksum=${DIGEST} https://example.com/f /x`)).toMatchObject([{ checksum: DIGEST }]);
    expect(await inputsOf(`ADD --checksum=${COMMIT} --keep-git-dir https://example.com/r.git /x`)).toMatchObject([
      { checksum: COMMIT, keepGitDir: true },
    ]);
  });

  test.each([
    [`--checksum=${DIGEST} https://example.com/a https://example.com/b`, 'there is more than one source'],
    [`--checksum=${DIGEST} a`, '"a" is neither a URL nor a repository'],
    ['--checksum=sha256:12 https://example.com/a', '"sha256:12" is no digest'],
    [`--checksum=${DIGEST} https://example.com/a.git`, 'is no commit'],
  ])('pitfall 103: %s is refused', async (words, state) => {
    const error = await planError(`FROM busybox\nADD ${words} /x/\n`);
    expect(error).toMatchObject({ code: 'DOCKERFILE_SEMANTICS', source: { start: { line: 2 } } });
    expect(error.message).toContain(state);
  });

  test('--keep-git-dir without a repository is warned of', async () => {
    const warnings: ParseWarning[] = [];
    await planText('FROM busybox\nADD --keep-git-dir=true a /x/\n', { warnings });
    expect(warnings.map(({ message }) => message)).toContain(
      '--keep-git-dir has no effect on ADD without a git repository',
    );
  });
});
