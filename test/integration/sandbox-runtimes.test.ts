import { sandboxSuite } from '../contract/sandbox.suite.js';

const oci = { isolation: 'oci', rootfs: 'overlay' } as const;
const bwrap = { isolation: 'bwrap', runtime: 'bwrap', rootfs: 'overlay' } as const;

sandboxSuite({ ...oci, title: 'crun, as root', runtime: 'crun', as: 'root' });
sandboxSuite({ ...bwrap, title: 'bwrap, as root', as: 'root' });
sandboxSuite({ ...oci, title: 'runc, as root', runtime: 'runc', as: 'root', sample: true });
sandboxSuite({ ...oci, title: 'runc, as user with ranges', runtime: 'runc', as: 'user with ranges' });
sandboxSuite({ ...oci, title: 'crun, as user with one id', runtime: 'crun', as: 'user with one id', sample: true });
sandboxSuite({ ...bwrap, title: 'bwrap, as user with ranges', as: 'user with ranges', sample: true });
