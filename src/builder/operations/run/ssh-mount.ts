import type { Mount } from '../../../sandbox/run-spec.js';
import { TsbuildError } from '../../../support/errors.js';
import type { RunMount } from '../../operation.js';
import type { Provision } from './provision.js';

/** A socket that answers for the agent; none where none was given and none need be. @throws `USAGE` */
export async function agentMount(
  { id, target, required, mode, uid, gid }: Extract<RunMount, { type: 'ssh' }>,
  { parts, keep }: Provision,
): Promise<readonly Mount[]> {
  const source = parts.given.ssh.find((one) => one.id === id);
  if (source === undefined) {
    if (!required) return [];
    const given = id === 'default' ? '--ssh default' : `--ssh ${id}=SOCKET or --ssh ${id}=KEY`;
    throw new TsbuildError('USAGE', `cannot mount ssh agent "${id}": the build was not given it`, {
      hint: `Give it with ${given}.`,
    });
  }
  const { openAgent } = await import('../../ssh/open-agent.js');
  const { openAgentProxy } = await import('../../ssh/agent-proxy.js');
  const { temporaryDirectory } = await parts.workshop();
  const agent = await openAgent(source);
  const proxy = keep(await openAgentProxy({ agent, temporaryDirectory, mode, uid, gid }));
  const root = { kind: 'directory', path: proxy.directory } as const;
  return [{ type: 'bind', source: root, path: proxy.name, target, readonly: true }];
}
