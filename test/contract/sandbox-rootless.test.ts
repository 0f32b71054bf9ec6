import { sandboxSuite } from './sandbox.suite.js';

for (const [as, rootfs] of [
  ['user with ranges', 'overlay'],
  ['user with one id', 'overlay'],
  ['user with one id', 'directory'],
] as const) {
  sandboxSuite({ title: `namespaces, ${rootfs}, as ${as}`, isolation: 'namespaces', rootfs, as });
}
