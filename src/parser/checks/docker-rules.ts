import type { CheckRule } from './rule.js';

export type DockerRuleName =
  | 'ConsistentInstructionCasing'
  | 'CopyIgnoredFile'
  | 'DuplicateStageName'
  | 'ExposeInvalidFormat'
  | 'ExposeProtoCasing'
  | 'FromAsCasing'
  | 'FromPlatformFlagConstDisallowed'
  | 'InvalidBaseImagePlatform'
  | 'InvalidDefaultArgInFrom'
  | 'InvalidDefinitionDescription'
  | 'JSONArgsRecommended'
  | 'LegacyKeyValueFormat'
  | 'MaintainerDeprecated'
  | 'MultipleInstructionsDisallowed'
  | 'NoEmptyContinuation'
  | 'RedundantTargetPlatform'
  | 'ReservedStageName'
  | 'SecretsUsedInArgOrEnv'
  | 'StageNameCasing'
  | 'UndefinedArgInFrom'
  | 'UndefinedVar'
  | 'WorkdirRelativePath';

const page = (name: string): string => `https://docs.docker.com/go/dockerfile/rule/${name}/`;

/** BuildKit's linter (frontend/dockerfile/linter/ruleset.go): names, descriptions and pages are an interface and the same. */
export const DOCKER_RULES: Readonly<Record<DockerRuleName, Omit<CheckRule, 'name'>>> = {
  ConsistentInstructionCasing: {
    description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
    url: page('consistent-instruction-casing'),
    fix: 'Write all keywords in capital letters.',
  },
  CopyIgnoredFile: {
    description: 'Attempting to Copy file that is excluded by .dockerignore',
    url: page('copy-ignored-file'),
    fix: 'Take the path out of the ignore file, or re-include it there with a line that begins with "!".',
  },
  DuplicateStageName: {
    description: 'Stage names should be unique',
    url: page('duplicate-stage-name'),
    fix: 'Give each stage a name of its own.',
  },
  ExposeInvalidFormat: {
    description:
      'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
    url: page('expose-invalid-format'),
    fix: 'Write the port of the container alone, and publish it with "docker run -p".',
  },
  ExposeProtoCasing: {
    description: 'Protocol in EXPOSE instruction should be lowercase',
    url: page('expose-proto-casing'),
    fix: 'Write tcp, udp or sctp.',
  },
  FromAsCasing: {
    description: "The 'as' keyword should match the case of the 'from' keyword",
    url: page('from-as-casing'),
    fix: 'Write "FROM image AS name".',
  },
  FromPlatformFlagConstDisallowed: {
    description: 'FROM --platform flag should not use a constant value',
    url: page('from-platform-flag-const-disallowed'),
    fix: 'Remove the flag and give --platform to the build, or name the platform in the name of the stage.',
  },
  InvalidBaseImagePlatform: {
    description: 'Base image platform does not match expected target platform',
    fix: 'Take an image that exists for the platform, or build for the platform of the image.',
  },
  InvalidDefaultArgInFrom: {
    description: 'Default value for global ARG results in an empty or invalid base image name',
    url: page('invalid-default-arg-in-from'),
    fix: 'Give the ARG a default that makes a valid name: ARG TAG=22.04.',
  },
  InvalidDefinitionDescription: {
    description:
      'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
    url: page('invalid-definition-description'),
    experimental: true,
    fix: 'Begin the comment with the name that the line below defines, or put an empty comment ("#") between them.',
  },
  JSONArgsRecommended: {
    description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
    url: page('json-args-recommended'),
    fix: 'Write CMD ["program", "argument"]: so the program itself gets the signal that stops the container.',
  },
  LegacyKeyValueFormat: {
    description: 'Legacy key/value format with whitespace separator should not be used',
    url: page('legacy-key-value-format'),
    fix: 'Write ENV name=value, with double quotes around a value that has blanks.',
  },
  MaintainerDeprecated: {
    description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
    url: page('maintainer-deprecated'),
    fix: 'Write LABEL org.opencontainers.image.authors="name".',
  },
  MultipleInstructionsDisallowed: {
    description: 'Multiple instructions of the same type should not be used in the same stage',
    url: page('multiple-instructions-disallowed'),
    fix: 'Delete all but the last.',
  },
  NoEmptyContinuation: {
    description: 'Empty continuation lines will become errors in a future release',
    url: page('no-empty-continuation'),
    fix: 'Delete the empty line, or make it a comment.',
  },
  RedundantTargetPlatform: {
    description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
    url: page('redundant-target-platform'),
    fix: 'Delete the flag.',
  },
  ReservedStageName: {
    description: 'Reserved words should not be used as stage names',
    url: page('reserved-stage-name'),
    fix: 'Rename the stage.',
  },
  SecretsUsedInArgOrEnv: {
    description: 'Sensitive data should not be used in the ARG or ENV commands',
    url: page('secrets-used-in-arg-or-env'),
    fix: 'Give it to the one step that needs it: RUN --mount=type=secret,id=name, and --secret id=name,src=file with the build.',
  },
  StageNameCasing: {
    description: 'Stage names should be lowercase',
    url: page('stage-name-casing'),
    fix: 'Write the name in lower case.',
  },
  UndefinedArgInFrom: {
    description: 'FROM command must use declared ARGs',
    url: page('undefined-arg-in-from'),
    fix: 'Declare it with ARG above the first FROM.',
  },
  UndefinedVar: {
    description: 'Variables should be defined before their use',
    url: page('undefined-var'),
    fix: 'Define it with ARG or ENV in the same stage, above the line. An ARG above the first FROM must be repeated in the stage.',
  },
  WorkdirRelativePath: {
    description:
      'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
    url: page('workdir-relative-path'),
    fix: 'Begin the path with a slash.',
  },
};
