import type { Target } from '../../bake/target/field.js';
import type { ParsedArguments } from '../argv.js';
import type { Command } from '../command.js';
import type { Host } from '../host.js';

export interface BakeContext {
  /** The words of `tsbuild bake`. */
  readonly parsed: ParsedArguments;
  readonly host: Host;
  readonly commands: readonly Command[];
}

export interface TargetCommand {
  readonly target: Target;
  /** As of `tsbuild build`. */
  readonly parsed: ParsedArguments;
}
