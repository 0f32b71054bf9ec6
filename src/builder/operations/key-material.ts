import { digestOf } from '../../oci/digest.js';
import { canonicalJson } from '../../oci/canonical-json.js';
import type { CacheKey } from '../graph.js';
import type { KeyMaterial } from '../solver/operation-handler.js';

/** Goes up whenever the same parts would give another result: all records made before are then never found again. */
const KEY_VERSION = 2;

/** JSON frames every part, so that no two lists of parts run together into one key (dockerfile.md 118). */
export function keyMaterial(parts: Readonly<Record<string, unknown>>): KeyMaterial {
  const versioned = { version: KEY_VERSION, ...parts };
  return { key: digestOf(canonicalJson(versioned)) as CacheKey, parts: versioned };
}
