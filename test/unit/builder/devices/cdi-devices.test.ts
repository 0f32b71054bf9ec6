import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CdiDevices } from '../../../../src/builder/devices/cdi-devices.js';
import { stepDevices } from '../../../../src/builder/operations/run/devices.js';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-cdi-'));
});
afterEach(() => rmSync(place, { recursive: true }));

const YAML = `
cdiVersion: 0.6.0
kind: vendor.com/gpu
annotations: {note: x}
containerEdits:
  env: [COMMON=1]
  hooks: []
devices:
  - name: b
    annotations: {org.mobyproject.buildkit.device.class: fast}
    containerEdits:
      env: ["DEVICE=b=c"]
      deviceNodes:
        - {path: /dev/gpu, hostPath: /dev/null, type: c, fileMode: 0640, uid: 5, gid: 6}
        - {path: /dev/plain}
      mounts:
        - {hostPath: /usr/lib/x.so, containerPath: /opt/x.so, options: [ro, nosuid, bind]}
        - {hostPath: /run/x, containerPath: /run/x}
      additionalGids: [44]
  - name: a
    containerEdits: {env: [DEVICE=a]}
`;

function write(name: string, text: string): void {
  mkdirSync(join(place, name, '..'), { recursive: true });
  writeFileSync(join(place, name), text);
}

const allowed = (flag: string, required = true, entitlements = ['device']) =>
  stepDevices([{ name: flag, required }], { directories: [place, join(place, 'later')], entitlements });

describe('finding devices', () => {
  test.each([
    ['vendor.com/gpu=a', ['vendor.com/gpu=a']],
    ['vendor.com/gpu', ['vendor.com/gpu=a']],
    ['vendor.com/gpu=*', ['vendor.com/gpu=a', 'vendor.com/gpu=b']],
    ['vendor.com/gpu=fast', ['vendor.com/gpu=b']],
    ['vendor.com/gpu=none', []],
    ['vendor.com/gp', []],
    ['other.com/gpu=a', []],
  ])('%s', (wanted, names) => {
    write('x.yaml', YAML);
    expect(new CdiDevices([place]).find(wanted).map(({ name }) => name)).toEqual(names);
  });

  test('of a folder that comes later takes the place of those before; JSON is read too, other files are not', () => {
    write('x.yml', YAML);
    write('README.md', 'no specification');
    const device = { name: 'a', containerEdits: { env: ['DEVICE=later'] } };
    write('later/x.json', JSON.stringify({ cdiVersion: '1.0.0', kind: 'vendor.com/gpu', devices: [device] }));
    const [found] = new CdiDevices([place, join(place, 'later'), join(place, 'none')]).find('vendor.com/gpu=a');
    expect(found?.edits()[0]?.env).toEqual(['DEVICE=later']);
  });

  test('two of one name in one folder can be used by nobody, and stand in no other way', () => {
    write('x.yaml', YAML);
    write('y.yaml', YAML.replace('name: a', 'name: c'));
    const devices = new CdiDevices([place]);
    expect(() => devices.find('vendor.com/gpu=b')).toThrow('several specifications have it');
    expect(devices.find('vendor.com/gpu=a')).toHaveLength(1);
  });
});

describe('what a step has of a device', () => {
  test('variables, nodes, files and groups, those of the whole specification first', async () => {
    write('x.yaml', YAML);
    expect(await allowed('vendor.com/gpu=b')).toEqual({
      env: { COMMON: '1', DEVICE: 'b=c' },
      groups: [44],
      mounts: [
        { type: 'device', source: '/dev/null', target: '/dev/gpu', mode: 0o640, uid: 5, gid: 6 },
        { type: 'device', source: '/dev/plain', target: '/dev/plain' },
        {
          type: 'bind',
          source: { kind: 'directory', path: '/' },
          path: '/usr/lib/x.so',
          target: '/opt/x.so',
          readonly: true,
        },
        { type: 'bind', source: { kind: 'directory', path: '/' }, path: '/run/x', target: '/run/x', readonly: false },
      ],
    });
  });

  test('nothing, without a look at any file, where none is asked for', async () => {
    write('x.yaml', 'nonsense: [');
    const options = { directories: [place], entitlements: [] };
    expect(await stepDevices([], options)).toEqual({ env: {}, groups: [], mounts: [] });
  });

  test('one that is not there is passed over unless it is required', async () => {
    write('x.yaml', YAML);
    expect((await allowed('vendor.com/gpu=none', false)).mounts).toEqual([]);
    await expect(allowed('vendor.com/gpu=bb')).rejects.toMatchObject({
      code: 'USAGE',
      message: 'cannot give device "vendor.com/gpu=bb": this machine has no such device',
      hint: expect.stringContaining('Did you mean "vendor.com/gpu=b"?'),
    });
  });

  test.each<[string[], boolean]>([
    [[], false],
    [['security.insecure'], false],
    [['device=vendor.com/gpu=a'], false],
    [['device=vendor.com/gpu=b'], true],
    [['device=vendor.com/gpu'], true],
    [['device=vendor.com/gpu=*'], true],
    [['device=vendor.com/gpu=fast'], true],
    [['device'], true],
  ])('with %j is given: %s', async (entitlements, given) => {
    write('x.yaml', YAML);
    const result = allowed('vendor.com/gpu=fast', true, entitlements);
    if (given) expect((await result).groups).toEqual([44]);
    else await expect(result).rejects.toThrow('the build is not allowed to use it');
  });

  test('one whose specification allows it needs no more', async () => {
    write('x.yaml', YAML.replace('note: x', 'org.mobyproject.buildkit.device.autoallow: "true"'));
    expect((await allowed('vendor.com/gpu=a', true, [])).env).toEqual({ COMMON: '1', DEVICE: 'a' });
  });
});

describe('a specification is refused by what is wrong with it', () => {
  test.each([
    ['no document', 'a: [', 'x.yaml"'],
    ['a list', '[]', 'it is an array'],
    ['a new version', YAML.replace('0.6.0', '7.0.0'), 'cdiVersion is 7.0.0, which is not known'],
    ['a kind that is none', YAML.replace('vendor.com/gpu', '../x'), 'kind is "../x"'],
    ['a name that is none', YAML.replace('name: b', 'name: "b/../c"'), 'devices[0].name is "b/../c"'],
    [
      'too many aliases',
      'a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ne: &e [*d,*d]\nf: &f [*e,*e]\ng: &g [*f,*f]\nh: [*g,*g]\n',
      'x.yaml"',
    ],
  ])('%s', (_name, text, words) => {
    write('x.yaml', text);
    expect(() => new CdiDevices([place])).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(words) }),
    );
  });

  test.each([
    [
      'hooks',
      YAML.replace('hooks: []', 'hooks: [{hookName: prestart, path: /x}]'),
      'containerEdits.hooks cannot be done',
    ],
    ['a relative path', YAML.replace('path: /dev/gpu', 'path: dev/gpu'), 'deviceNodes[0].path is no absolute path'],
    ['a variable without a value', YAML.replace('COMMON=1', 'COMMON'), 'containerEdits.env[0] is no NAME=value'],
    ['resource control', YAML.replace('hooks: []', 'intelRdt: {closID: x}'), 'containerEdits.intelRdt cannot be done'],
  ])('%s only when its device is asked for', async (_name, text, words) => {
    write('x.yaml', text);
    await expect(allowed('vendor.com/gpu=b')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(words),
    });
    expect(new CdiDevices([place]).find('vendor.com/gpu=*')).toHaveLength(2);
  });
});
