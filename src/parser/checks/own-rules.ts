import type { CheckRule } from './rule.js';

export type OwnRuleName =
  | 'tsbuild/AddInsteadOfCopy'
  | 'tsbuild/BlankAroundEquals'
  | 'tsbuild/BrokenJson'
  | 'tsbuild/FlagWithoutEffect'
  | 'tsbuild/LostDirectory'
  | 'tsbuild/LostService'
  | 'tsbuild/LostVariable'
  | 'tsbuild/MissingYes'
  | 'tsbuild/PastedCharacter'
  | 'tsbuild/ProxyInImage'
  | 'tsbuild/SecretValue'
  | 'tsbuild/Sudo'
  | 'tsbuild/UnpinnedBase'
  | 'tsbuild/UpdateAlone'
  | 'tsbuild/UserBeforeInstall';

/**
 * What people get wrong on the way to their first image. A build tells of what will fail, will not do what it says, or gives
 * something away; the rest is `quiet`.
 */
export const OWN_RULES: Readonly<Record<OwnRuleName, Omit<CheckRule, 'name'>>> = {
  'tsbuild/AddInsteadOfCopy': {
    description: 'ADD does more than copying: COPY says what is meant',
    quiet: true,
    fix: 'Write COPY; ADD is for URLs, git repositories and archives that are to be unpacked.',
  },
  'tsbuild/BlankAroundEquals': {
    description: 'ENV and LABEL with blanks around the equals sign set a value that begins with it',
    fix: 'Write ENV name=value, without blanks.',
  },
  'tsbuild/BrokenJson': {
    description: 'A command in brackets that is no JSON array goes to the shell, brackets and all',
    fix: 'Write a JSON array: every word in double quotes, commas between them, as in CMD ["program", "argument"].',
  },
  'tsbuild/FlagWithoutEffect': {
    description:
      'A flag, or an option of --mount, changes nothing: another one, the type or the sources leave it no effect',
    fix: 'Take it out, or what stands in its way: another flag, a wrong type of the mount.',
  },
  'tsbuild/LostDirectory': {
    description: 'A directory that RUN changes to is left when the step ends',
    fix: 'Write WORKDIR, which holds for all instructions below, or join the commands with &&.',
  },
  'tsbuild/LostService': {
    description: 'A process that RUN starts is ended with the step',
    fix: 'Start it in the step that needs it, joined with &&; what the container is to run belongs into CMD.',
  },
  'tsbuild/LostVariable': {
    description: 'What RUN sets in its shell is lost when the step ends',
    fix: 'Write ENV name=value for the image, or ARG name=value for the build alone.',
  },
  'tsbuild/MissingYes': {
    description: 'Nobody is there to answer when a package manager asks',
    fix: 'Give the flag that answers: apt-get install -y, dnf install -y, zypper -n install, conda install -y.',
  },
  'tsbuild/PastedCharacter': {
    description: 'A character that looks like an ASCII dash, quote or blank is not one',
    fix: 'Type it again: word processors and web pages replace "-", quotes and blanks by look-alikes.',
  },
  'tsbuild/ProxyInImage': {
    description: 'A proxy that is set by ENV goes into the image',
    fix: 'Delete the line: the proxy variables of your environment are given to RUN steps and kept out of the image. Give another one with --build-arg HTTP_PROXY=….',
  },
  'tsbuild/SecretValue': {
    description: 'A secret in the Dockerfile can be read by everyone who has the image or the file',
    fix: 'Take it out and have a new one issued; give it to the step that needs it by RUN --mount=type=secret,id=name.',
  },
  'tsbuild/Sudo': {
    description: 'Steps run as root unless USER says otherwise: they need no sudo',
    quiet: true,
    fix: 'Leave sudo out; where USER has changed the user, write USER root above the step.',
  },
  'tsbuild/UnpinnedBase': {
    description: 'A base image without a tag, or with the tag latest, changes without notice',
    quiet: true,
    fix: 'Name a version: FROM debian:12, or a digest.',
  },
  'tsbuild/UpdateAlone': {
    description: 'Package lists that a step of its own has fetched grow old in the cache',
    quiet: true,
    fix: 'Join update and install in one RUN: apt-get update && apt-get install -y name.',
  },
  'tsbuild/UserBeforeInstall': {
    description: 'Packages are installed as root',
    quiet: true,
    fix: 'Put the step above USER, or write USER root above it and the user again below.',
  },
};
