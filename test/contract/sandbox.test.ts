import { sandboxSuite } from './sandbox.suite.js';

for (const as of ['root', 'user with ranges', 'user with one id'] as const) {
  for (const rootfs of ['overlay', 'directory'] as const) {
    sandboxSuite({ title: `namespaces, ${rootfs}, as ${as}`, isolation: 'namespaces', rootfs, as });
  }
}
sandboxSuite({ title: 'chroot, as root', isolation: 'chroot', rootfs: 'directory', as: 'root' });
