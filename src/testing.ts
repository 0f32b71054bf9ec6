/**
 * For tests of programs that speak to registries: a registry in memory, on a port of 127.0.0.1, that misbehaves on demand.
 *
 *     await using registry = await startScriptedRegistry(fault({ path: '/blobs/', times: 1 }, 'reset'));
 *     registry.content.putBlob('app', bytes);
 *
 * @packageDocumentation
 */
export { errorReply } from './testing/exchange.js';
export { fault, firstOf, tokenService } from './testing/faults.js';
export { startScriptedRegistry } from './testing/scripted-registry.js';

export type { Answer, Reply, Script, SeenRequest } from './testing/exchange.js';
export type { FaultTarget, TokenServiceOptions } from './testing/faults.js';
export type { MemoryRegistry, MemoryRegistryOptions, StoredManifest } from './testing/memory-registry.js';
export type { ScriptedRegistry, ScriptedRegistryOptions } from './testing/scripted-registry.js';
