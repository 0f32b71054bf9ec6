import { describe, expect, test } from 'vitest';
import { copies, historyLines, planError, planText } from './plan-text.js';

const HEAD = 'FROM scratch\nENV V=v\n';

/** Section "Variable expansion" of the language: who expands, and who leaves it to the shell. */
describe('what is expanded', () => {
  test.each([
    ['ENV A=$V', 'ENV A=v'],
    ['ENV $V=a', 'ENV v=a'],
    ['ENV A $V  b', 'ENV A=v  b'],
    ['LABEL $V=$V', 'LABEL v=v'],
    ['ARG A=$V', 'ARG A=v'],
    ['WORKDIR /$V', 'WORKDIR /v'],
    ['USER $V', 'USER v'],
    ['STOPSIGNAL ${X:-9}', 'STOPSIGNAL 9'],
    ['VOLUME /$V', 'VOLUME [/v]'],
    ['VOLUME ["/$V"]', 'VOLUME [/v]'],
    ['EXPOSE ${X:-80}', 'EXPOSE [80/tcp]'],
    ['COPY --chown=${X:-1} --chmod=${X:-755} a$V /$V', 'COPY --chown=1 --chmod=755 av /v # buildkit'],
    ['ADD a$V /$V', 'ADD av /v # buildkit'],
  ])('%s', async (line, history) => {
    expect(
      historyLines(await planText(HEAD + line))
        .at(-1)
        ?.replace(/^\w+: /, ''),
    ).toBe(history);
  });

  test.each([
    ['CMD echo $V', 'CMD ["/bin/sh" "-c" "echo $V"]'],
    ['CMD ["$V"]', 'CMD ["$V"]'],
    ['ENTRYPOINT ["$V"]', 'ENTRYPOINT ["$V"]'],
    ['HEALTHCHECK CMD echo $V', 'HEALTHCHECK &{["CMD-SHELL" "echo $V"] "0s" "0s" "0s" "0s" \'\\x00\'}'],
    ['SHELL ["$V"]', 'SHELL [$V]'],
    ['MAINTAINER $V', 'MAINTAINER $V'],
    ['RUN echo $V', 'RUN /bin/sh -c echo $V # buildkit'],
    ['RUN ["$V"]', 'RUN $V # buildkit'],
    ['RUN <<E\n$V\nE', 'RUN /bin/sh -c $V\n # buildkit'],
  ])('%j is left as it is', async (line, history) => {
    expect(
      historyLines(await planText(HEAD + line))
        .at(-1)
        ?.replace(/^\w+: /, ''),
    ).toBe(history);
  });

  test('an ONBUILD trigger is stored as it is written', async () => {
    const { image } = await planText(`${HEAD}ONBUILD ENV A=$V`);
    expect(image.config.OnBuild).toEqual(['ENV A=$V']);
  });

  test('the JSON form of COPY is expanded too', async () => {
    const [copy] = copies(await planText(`${HEAD}COPY ["a $V", "/x $V"]`));
    expect(copy).toMatchObject({ sources: ['a v'], destination: '/x v' });
  });

  test('COPY --from is not, and says so', async () => {
    const error = await planError(`${HEAD}COPY --from=$V a /b`);
    expect(error.message).toBe('cannot copy from "$V": --from takes no variables');
  });

  test('FROM sees the arguments above the first FROM and nothing else', async () => {
    const error = await planError('FROM scratch AS a\nARG B=scratch\nFROM $B');
    expect(error).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: 'cannot start a stage from "$B": it is empty',
    });
    await expect(planText('ARG B=scratch\nFROM $B')).resolves.toBeDefined();
  });
});

describe('an error in an expansion points at the words', () => {
  test.each<[string, number, number]>([
    ['ENV A=1 B=${C', 11, 14],
    ['copy a ${V:?no}b', 8, 17],
    ['EXPOSE 80 "${X', 11, 15],
  ])('%s', async (line, from, to) => {
    const text = line.replace('V:?', 'X:?');
    const error = await planError(HEAD + text);
    expect(error.source).toMatchObject({ start: { line: 3, column: from }, end: { line: 3, column: to } });
  });

  test('of an argument above FROM, and of FROM itself', async () => {
    const global = await planError('ARG A=1 B=${C\nFROM scratch');
    expect(global.source).toMatchObject({ start: { line: 1, column: 11 }, end: { line: 1, column: 14 } });
    const from = await planError('FROM ${C AS x');
    expect(from.source).toMatchObject({ start: { line: 1, column: 6 }, end: { line: 1, column: 9 } });
  });

  test('or at the instruction where that stands on several lines', async () => {
    const error = await planError(`${HEAD}ENV A=1 \\\n  B=\${C`);
    expect(error.source).toMatchObject({ start: { line: 3, column: 1 }, end: { line: 4, column: 8 } });
  });
});
