import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { measuringEnvironment, run } from './process.mjs';

/** skopeo copies between a registry, an OCI layout and an archive, and unpacks nothing. Throws `ProcessFailed` without it. */
export function createSkopeo({ scratch, image, pushed }) {
  const version = run(['skopeo', '--version']).stdout.split(' ')[2];
  const env = measuringEnvironment();
  const [kept, fresh, archive] = ['skopeo', 'skopeo-fresh', 'skopeo.tar'].map((name) => join(scratch, name));
  // It has no registries.conf of its own to be told by; the registry of the benchmark speaks no TLS.
  const copy = (from, to) => ['skopeo', 'copy', '--quiet', '--src-tls-verify=false', from, to];
  const dropFresh = () => rmSync(fresh, { recursive: true, force: true });
  const dropArchive = () => rmSync(archive, { force: true });
  const save = copy(`oci:${kept}:image`, `docker-archive:${archive}:${image}`);
  const havePulled = () => {
    if (!existsSync(kept)) run(copy(`docker://${image}`, `oci:${kept}:image`), { env });
  };
  const haveArchive = () => {
    havePulled();
    if (!existsSync(archive)) run(save, { env });
  };
  return {
    name: `skopeo ${version}`,
    version: 'registry to OCI layout, and between that and an archive',
    env,
    operations: {
      start: { argv: () => [['skopeo', '--version']] },
      pull: { before: dropFresh, argv: () => [copy(`docker://${image}`, `oci:${fresh}:image`)], after: dropFresh },
      save: {
        prepare: havePulled,
        before: dropArchive,
        argv: () => [save],
        result: archive,
      },
      push: {
        prepare: havePulled,
        before: () => pushed.clear(),
        argv: () => [
          [
            'skopeo',
            'copy',
            '--quiet',
            '--dest-tls-verify=false',
            `oci:${kept}:image`,
            `docker://${pushed.address}/large`,
          ],
        ],
      },
      load: {
        prepare: haveArchive,
        before: dropFresh,
        argv: () => [copy(`docker-archive:${archive}`, `oci:${fresh}:image`)],
        after: dropFresh,
      },
    },
    close: () => undefined,
  };
}
