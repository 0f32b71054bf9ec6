import { sandboxSuite } from './sandbox.suite.js';

for (const rootfs of ['overlay', 'images', 'directory'] as const) {
  sandboxSuite({ title: `namespaces, ${rootfs}, as root`, isolation: 'namespaces', rootfs, as: 'root' });
}
