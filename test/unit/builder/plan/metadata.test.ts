import { describe, expect, test } from 'vitest';
import { parsePorts } from '../../../../src/builder/plan/instructions/expose.js';
import { isSignal } from '../../../../src/builder/plan/signals.js';
import { historyLines, planError, planText } from './plan-text.js';

describe('commands', () => {
  test.each([
    ['inherited from the image', 'FROM busybox\nENTRYPOINT ["e"]', undefined],
    ['of the parent stage', 'FROM busybox AS p\nCMD ["c"]\nFROM p\nENTRYPOINT ["e"]', undefined],
    ['before it in the stage', 'FROM busybox\nCMD ["c"]\nENTRYPOINT ["e"]', ['c']],
    ['after it in the stage', 'FROM busybox\nENTRYPOINT ["e"]\nCMD ["c"]', ['c']],
    ['of a trigger', 'FROM busybox AS p\nONBUILD CMD ["c"]\nFROM p\nENTRYPOINT ["e"]', ['c']],
  ])('pitfall 56: ENTRYPOINT and a CMD %s', async (_name, text, command) => {
    const { config } = (await planText(`${text}\n`)).image;
    expect(config.Entrypoint).toEqual(['e']);
    expect(config.Cmd).toEqual(command);
  });

  test('pitfall 57, 58: empty commands are none, and CMD leaves its mark', async () => {
    const { config } = (await planText('FROM busybox\nENTRYPOINT ["e"]\nENTRYPOINT []\nCMD []\n')).image;
    expect(config).not.toHaveProperty('Entrypoint');
    expect(config).not.toHaveProperty('Cmd');
    expect(config.ArgsEscaped).toBe(true);
  });

  test('pitfall 59, 60: SHELL wraps CMD and ENTRYPOINT, and not HEALTHCHECK', async () => {
    const text = 'FROM busybox\nSHELL ["/bin/bash", "-ec"]\nCMD echo hi\nENTRYPOINT e\nHEALTHCHECK CMD h\n';
    expect((await planText(text)).image.config).toMatchObject({
      Cmd: ['/bin/bash', '-ec', 'echo hi'],
      Entrypoint: ['/bin/bash', '-ec', 'e'],
      Healthcheck: { Test: ['CMD-SHELL', 'h'] },
      Shell: ['/bin/bash', '-ec'],
    });
  });

  test('pitfall 61: HEALTHCHECK NONE disables that of the base', async () => {
    const text = 'FROM busybox AS p\nHEALTHCHECK --retries=0 CMD h\nFROM p\nHEALTHCHECK NONE\n';
    expect((await planText(text)).image.config.Healthcheck).toEqual({ Test: ['NONE'] });
  });
});

describe('EXPOSE', () => {
  test.each([
    ['80', ['80/tcp']],
    ['80-82', ['80/tcp', '81/tcp', '82/tcp']],
    ['53/UDP', ['53/udp']],
    ['7/sctp', ['7/sctp']],
    ['7-7/tcp', ['7/tcp']],
    ['0080', ['80/tcp']],
    ['0', ['0/tcp']],
    ['8080:80', ['80/tcp']],
    ['8080-8090:80', ['80/tcp']],
    ['1.2.3.4:8080:80/udp', ['80/udp']],
    ['1.2.3.4::80', ['80/tcp']],
    ['[::1]:1:80', ['80/tcp']],
    ['::1:1:80', ['80/tcp']],
    ['', 'there is no port in it'],
    ['/tcp', 'there is no port in it'],
    ['80/foo', '"foo" is no protocol'],
    ['82-80', '"82-80" is no port from 0 to 65535, and no range of them'],
    ['65536', '"65536" is no port from 0 to 65535, and no range of them'],
    ['http', '"http" is no port from 0 to 65535, and no range of them'],
    ['-1', '"-1" is no port from 0 to 65535, and no range of them'],
    ['300.1.1.1:1:80', '"300.1.1.1" is no address'],
    ['x:80', '"x" is no host port for it'],
    ['1-3:80-81', '"1-3" is no host port for it'],
  ])('pitfall 62: %j', (text, ports) => {
    expect(parsePorts(text)).toEqual(ports);
  });

  test('pitfall 62: words are sorted before they are expanded, and one variable may be several ports', async () => {
    const plan = await planText('FROM busybox\nENV P="90 91/udp"\nEXPOSE 8080 53/UDP $P 80\n');
    expect(Object.keys(plan.image.config.ExposedPorts ?? {})).toEqual([
      '53/udp',
      '80/tcp',
      '8080/tcp',
      '90/tcp',
      '91/udp',
    ]);
    expect(historyLines(plan).at(-1)).toBe('empty: EXPOSE [90/tcp 91/udp 53/udp 80/tcp 8080/tcp]');
  });

  test('a port that is none is an error at its line', async () => {
    const error = await planError('FROM busybox\nEXPOSE 80/foo\n');
    expect(error).toMatchObject({ code: 'DOCKERFILE_SEMANTICS', source: { start: { line: 2 } } });
    expect(error.message).toBe('cannot expose port "80/foo": "foo" is no protocol');
  });
});

describe('STOPSIGNAL', () => {
  test.each(['SIGTERM', 'sigterm', 'TERM', '9', 'SIGRTMIN', 'SIGRTMIN+15', 'RTMAX-14'])(
    'pitfall 69: %s is one',
    (name) => {
      expect(isSignal(name)).toBe(true);
    },
  );

  test.each(['', '0', 'SIGFOO', 'SIGRTMIN+16', 'SIGRTMAX-15', 'RTMIN-1', 'RTMIN+0', '-9', '9x', 'SIG'])(
    'pitfall 69: %j is none',
    (name) => {
      expect(isSignal(name)).toBe(false);
    },
  );

  test('pitfall 69: it is stored as written, and an unknown one is an error', async () => {
    expect((await planText('FROM busybox\nENV S=quit\nSTOPSIGNAL sig$S\n')).image.config.StopSignal).toBe('sigquit');
    expect(await planError('FROM busybox\nSTOPSIGNAL SIGFOO\n')).toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: 'cannot stop with signal "SIGFOO": there is no such signal',
    });
  });
});

describe('other metadata', () => {
  test('pitfall 63, 64: volumes are declared, and make no step', async () => {
    const plan = await planText('FROM busybox\nVOLUME ["/a b", "/c"]\nVOLUME /d /c\n');
    expect(Object.keys(plan.image.config.Volumes ?? {})).toEqual(['/a b', '/c', '/d']);
    expect(plan.graph.vertices.size).toBe(1);
  });

  test('pitfall 64: an empty volume is an error', async () => {
    expect((await planError('FROM busybox\nVOLUME $NOPE\n')).code).toBe('DOCKERFILE_SEMANTICS');
  });

  test('pitfall 65: labels of the request come last and beat the file', async () => {
    const plan = await planText('FROM busybox AS p\nLABEL b=1 a=1\nFROM p\nLABEL a=2 c=3\n', {
      labels: { c: 'request', d: 'request' },
    });
    expect(JSON.stringify(plan.image.config.Labels)).toBe('{"a":"2","b":"1","c":"request","d":"request"}');
    expect(historyLines(plan).at(-1)).toBe('empty: LABEL a=2 c=3');
  });

  test('pitfall 65: a label may be called like a member of an object', async () => {
    const plan = await planText('FROM busybox\nLABEL __proto__=x constructor=y\n');
    expect(Object.entries(plan.image.config.Labels ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  test('pitfall 66: USER is not checked', async () => {
    expect((await planText('FROM busybox\nUSER nobody-knows:1\n')).image.config.User).toBe('nobody-knows:1');
  });

  test('MAINTAINER is the author', async () => {
    expect((await planText('FROM busybox\nMAINTAINER A B <a@b>\n')).image.author).toBe('A B <a@b>');
  });
});
