import type { Mount } from '../../../sandbox/run-spec.js';
import { TsbuildError } from '../../../support/errors.js';
import type { RunMount } from '../../operation.js';

type SecretMount = Extract<RunMount, { type: 'secret' }>;
type Secrets = Readonly<Record<string, Uint8Array>>;

/** A file in memory; none for a secret that was not given and need not be (dockerfile.md 48). @throws `USAGE` */
export function secretFile(mount: SecretMount & { readonly target: string }, secrets: Secrets): readonly Mount[] {
  const content = valueOf(mount, secrets);
  const { target, mode, uid, gid } = mount;
  return content === undefined ? [] : [{ type: 'file', content, target, mode, uid, gid, confidential: true }];
}

/** The variables of those that ask for one, empty where the secret was not given and need not be. @throws `USAGE` */
export function secretVariables(mounts: readonly RunMount[], secrets: Secrets): Readonly<Record<string, string>> {
  const variables: [string, string][] = [];
  for (const mount of mounts) {
    if (mount.type !== 'secret' || mount.env === undefined) continue;
    const value = valueOf(mount, secrets) ?? new Uint8Array();
    if (value.includes(0)) {
      throw new TsbuildError(
        'USAGE',
        `cannot put secret "${mount.id}" into variable "${mount.env}": it has a null byte`,
        {
          hint: 'Take it as a file: RUN --mount=type=secret,id=…,target=….',
        },
      );
    }
    variables.push([mount.env, Buffer.from(value).toString('utf8')]);
  }
  return Object.fromEntries(variables);
}

function valueOf({ id, required }: SecretMount, secrets: Secrets): Uint8Array | undefined {
  if (Object.hasOwn(secrets, id)) return secrets[id];
  if (!required) return undefined;
  throw new TsbuildError('USAGE', `cannot mount secret "${id}": the build was not given it`, {
    hint: `Give it with --secret id=${id},src=FILE or --secret id=${id},env=NAME.`,
  });
}
