import { TsbuildError } from '../../support/errors.js';
import { isEngine, type EngineAddress } from './engine-api.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The engine that a user's own commands would reach: DOCKER_HOST or CONTAINER_HOST where one is set, else the sockets at which
 * dockerd and podman's service listen, for everybody or for this user; the first that answers.
 * @throws `OUTPUT_FAILED` when there is none, `USAGE` for a host that only a program of the engine's could reach
 */
export async function findEngine(env: Environment, signal: AbortSignal): Promise<EngineAddress> {
  const named = [env['DOCKER_HOST'], env['CONTAINER_HOST']].find((host) => host !== undefined && host !== '');
  if (named !== undefined) {
    const address = parseEngineHost(named);
    if (await isEngine(address, signal)) return address;
    throw new TsbuildError('OUTPUT_FAILED', `cannot hand over the image: no engine answers at "${named}"`, {
      hint: 'Start it, or correct DOCKER_HOST.',
    });
  }
  const sockets = usualSockets(env);
  for (const socket of sockets) if (await isEngine({ socket }, signal)) return { socket };
  throw new TsbuildError('OUTPUT_FAILED', 'cannot hand over the image: no container engine answers on this machine', {
    hint: `Start dockerd or "podman system service", or set DOCKER_HOST; asked were ${sockets.join(', ')}. Without one, write a file with -o type=docker,dest=FILE and load that.`,
  });
}

function usualSockets({ XDG_RUNTIME_DIR: runtime }: Environment): readonly string[] {
  const own =
    runtime === undefined || runtime === '' ? [] : [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`];
  return [...own, '/var/run/docker.sock', '/run/podman/podman.sock'];
}

/** `unix:///run/docker.sock` or `tcp://host:port`, as Docker's programs have it. */
export function parseEngineHost(text: string): EngineAddress {
  const socket = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  if (socket !== undefined) return { socket };
  const [, host, port] = /^(?:tcp|http):\/\/(\[[0-9a-f:]+\]|[^:/[\]]+):([0-9]{1,5})\/?$/i.exec(text) ?? [];
  if (host !== undefined && port !== undefined) return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  throw new TsbuildError('USAGE', `cannot reach the engine at "${text}": only sockets and tcp are supported`, {
    hint: 'Set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT, or write a file with -o type=docker,dest=FILE and load that there.',
  });
}
