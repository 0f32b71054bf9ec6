import { expect, test } from 'vitest';
import { machineText } from '../../../src/cli/text/machine-text.js';
import type { MachineReport } from '../../../src/machine/machine-report.js';

const REPORT: MachineReport = {
  versions: { tsbuild: '1.2.3', node: '20.1.0', kernel: '6.1.0', architecture: 'x64' },
  processors: 1,
  user: {
    uid: 1000,
    name: 'jo\u001b[2J',
    ids: { kind: 'single', count: 1, reason: '/etc/subuid has no range for user jo', remedy: 'Add a line.' },
  },
  isolation: {
    used: 'namespaces',
    trials: [
      { name: 'namespaces', works: true, overlay: true, images: false, notice: null },
      { name: 'oci', works: false, reason: 'not installed', remedy: 'Install it.' },
      { name: 'bwrap', works: true, overlay: true, images: false, notice: 'no sudo' },
    ],
  },
  store: {
    root: '/s',
    exists: false,
    fileSystem: 'nfs',
    freeBytes: 5e9,
    rootfs: 'overlay',
    lacks: ['it has no hard links'],
  },
  cgroup: { version: 'v2', delegated: [] },
  programs: { pasta: null, slirp4netns: null },
  proxies: { HTTP_PROXY: 'http://***@p:1' },
  kernel: {
    seccompFilters: true,
    filtered: false,
    apparmor: true,
    tunDevice: false,
    settings: { 'kernel.apparmor_restrict_unprivileged_userns': '1', 'user.max_user_namespaces': null },
  },
  emulators: { mounted: true, enabled: ['qemu-aarch64'], platforms: ['linux/arm64'] },
  registries: { files: ['/a', '/b'], problem: null },
};

test('says in plain words what is used, what is missing, and what would give it', () => {
  expect(machineText(REPORT)).toMatchInlineSnapshot(`
    "Versions
      tsbuild  1.2.3
      Node.js  20.1.0
      Linux    6.1.0 on x64, 1 processor
      user     jo (1000)

    Isolation of steps, the strongest first
      namespaces  works, and is used
      oci         does not work: not installed
                  -> Install it.
      bwrap       works: no sudo

    Users and groups
      ids  one of each, by a user namespace: /etc/subuid has no range for user jo
           -> Add a line.

    Store
      folder       /s (made at the first use)
      file system  nfs, 5GB free
      layers       mounted over one another (overlayfs)
      problem      it has no hard links
                   -> Name another folder with --store or TSBUILD_STORE.

    Network
      of its own  neither "pasta" nor "slirp4netns" is installed: steps share that of the machine, or have none
                  -> Install the package "passt" or "slirp4netns".
      HTTP_PROXY  http://***@p:1

    Limits
      cgroup v2  nothing of it is delegated to this user: memory and processors cannot be limited
                 -> Start tsbuild by "systemd-run --user --scope -p Delegate=yes".

    Kernel
      seccomp                                       filters system calls of steps
      AppArmor                                      on
      kernel.apparmor_restrict_unprivileged_userns  1: forbids user namespaces to ordinary users
      emulators                                     steps can run for linux/arm64 (registered: qemu-aarch64)

    Registries
      files  /a
             /b
    "
  `);
});

test('says that no step can be run, and what that leaves', () => {
  const trials = REPORT.isolation.trials.filter(({ works }) => !works);
  const text = machineText({
    ...REPORT,
    isolation: { used: null, trials },
    store: { ...REPORT.store, rootfs: null },
    registries: { files: [], problem: 'cannot read registries.conf' },
  });
  expect(text).toContain('No RUN instruction can be run here; builds that only copy files work.');
  expect(text).not.toContain('layers');
  expect(text).toContain('cannot read registries.conf');
});

test('says of a private network what it lacks', () => {
  const programs = { pasta: '/usr/bin/pasta', slirp4netns: null };
  expect(machineText({ ...REPORT, programs })).toContain('pasta cannot open /dev/net/tun');
  expect(machineText({ ...REPORT, programs, kernel: { ...REPORT.kernel, tunDevice: true } })).toContain('by pasta\n');
});
