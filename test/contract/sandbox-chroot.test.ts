import { sandboxSuite } from './sandbox.suite.js';

sandboxSuite({ title: 'chroot, as root', isolation: 'chroot', rootfs: 'directory', as: 'root' });
