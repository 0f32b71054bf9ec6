import type { ErrorCode } from '../../src/support/errors.js';

export interface ErrorGuide {
  /** What has happened, in full sentences. */
  readonly meaning: string;
  /** A message as users see it. */
  readonly example: string;
  /** What to do, in full sentences. */
  readonly remedy: string;
}

const guide = (meaning: string, example: string, remedy: string): ErrorGuide => ({ meaning, example, remedy });

/** What docs/errors.md says of each code beyond its row in the table. */
export const ERROR_GUIDES: Readonly<Record<ErrorCode, ErrorGuide>> = {
  INTERNAL: guide(
    'Something that cannot be has been. Nothing that tsbuild was given is to blame.',
    'internal error: this is a mistake in tsbuild',
    'Report it, with the lines that it printed and the command. The store is as it was before the command.',
  ),
  USAGE: guide(
    'A command, a flag or a value is not known, or two of them contradict each other. Nothing was done.',
    'cannot use flag "--nosuch": tsbuild build has no such flag',
    'Follow the hint; `tsbuild COMMAND --help` lists what there is, and flags of other builders are refused with what to use instead.',
  ),
  REFERENCE_INVALID: guide(
    'An image name breaks the rules that registries have for names.',
    'cannot read image name "Bad Name": "Bad Name" is no part of a repository name',
    'Write `[registry/]repository[:tag][@digest]` in lower case.',
  ),
  CONFIG_INVALID: guide(
    'A file of settings cannot be understood: of registries, of credentials, a bake file, a lock file, a source policy.',
    'cannot read source policy "p.json": rules[0].updates is missing',
    'Correct the place that the message names.',
  ),
  DOCKERFILE_NOT_FOUND: guide(
    'There is no Dockerfile where it is looked for, or it is no text.',
    'cannot read Dockerfile "nosuch": no such file',
    'Check the path: -f is read from the current folder, not from the build context.',
  ),
  DOCKERFILE_SYNTAX: guide(
    'A line of the Dockerfile breaks the rules of its language.',
    'cannot parse COPY: it has no flag "--chwon"',
    'Correct the marked word; near names are suggested.',
  ),
  DOCKERFILE_SEMANTICS: guide(
    'Each line can be read, and together they cannot be: a stage, a user or a folder that is not there, a value that makes no sense.',
    'cannot build target "nosuch": there is no such stage',
    'Correct the marked instruction, or what it refers to.',
  ),
  DOCKERFILE_UNSUPPORTED: guide(
    'The Dockerfile asks for something that BuildKit or one of its frontends can do and tsbuild cannot.',
    'cannot read "Dockerfile": it is written for the frontend "example/frontend"',
    'Follow the hint, which names another way where there is one.',
  ),
  CONTEXT_INVALID: guide(
    'The folder or archive that COPY and ADD read from is missing, cannot be read, or is damaged; so is a file that an option names.',
    'cannot use build context "/nonexistent": no such folder',
    'Check the path and who may read it; the build context is the last argument, often `.`.',
  ),
  COPY_FAILED: guide(
    'COPY or ADD names a file that the context or the stage does not have, or one that cannot stand where it is to go.',
    'cannot copy "src/mian.c": the build context does not have it',
    'Check the path, which begins at the root of the context, and the ignore file; `tsbuild build --dry-run` lists what a step reads.',
  ),
  LOCK_OUTDATED: guide(
    'With `--frozen` a source is not pinned, or a source is no more what the lock file says.',
    'cannot use image "docker.io/library/debian:12 linux/amd64": tsbuild.lock does not pin it',
    'Build with `--lock`, look at what has changed, and commit the file.',
  ),
  SOURCE_DENIED: guide(
    'A rule of a source policy denies an image, a URL or a repository. Nothing of it was fetched.',
    'cannot use "https://a.test/x": the source policy "p.json" denies it',
    'Take a source that the policy allows, or have the policy changed ([what a build may take](reproducible.md)).',
  ),
  RUN_FAILED: guide(
    'The command of a RUN ended with another status than 0. The message has the status in words, the last 20 lines of output are above it, and the hints are about what they say.',
    'cannot run "dig x": exit code 127 (a program was not found)',
    'Follow the hints; `--on-error=shell` opens a shell where the step has failed.',
  ),
  SANDBOX_UNAVAILABLE: guide(
    'This machine does not allow what it takes to run a step apart from it, or has no emulator for its platform.',
    'cannot run steps for "linux/s390x": this machine has no emulator for it',
    '`tsbuild info` tells what the machine allows and what would help; --isolation chooses another way.',
  ),
  SANDBOX_FAILED: guide(
    'The machine allows a sandbox in general, and this one could not be set up.',
    'cannot mount "/cache" in the sandbox: permission denied',
    'Look at the cause; it is often a mount, a device or a limit that the step asks for.',
  ),
  DIGEST_INVALID: guide(
    'A digest is not of the form algorithm:hexadecimal digits.',
    'cannot read digest "sha256:xyz": it is malformed',
    'Copy it again, whole: sha256: and 64 digits.',
  ),
  DIGEST_MISMATCH: guide(
    'What was fetched or read is not what its digest says: it is damaged, or somebody has changed it. It was not used.',
    'cannot use "https://a.test/x.tar": its content is another than its checksum says',
    'Fetch it again; if it stays so, ask whoever offers it, or correct the checksum that was given.',
  ),
  DOCUMENT_INVALID: guide(
    'A manifest, an index or a config breaks the specification of OCI and Docker.',
    'cannot read manifest "sha256:…": layers[0].size is missing',
    'Make the image again with another tool, or tell whoever has made it.',
  ),
  LAYER_INVALID: guide(
    'The archive of a layer is damaged, or has an entry that would get out of the root file system.',
    'cannot resolve path "/a/b": ELOOP, more than 40 symbolic links',
    'Fetch the image again; do not trust an image of which this stays so.',
  ),
  ARCHIVE_INVALID: guide(
    'What was given to load is no image archive, or the end of it is missing.',
    'cannot read archive "/tmp/image.tar": it ends before its end marker',
    'Make or copy the archive again, and compare the sizes.',
  ),
  SOURCE_UNAVAILABLE: guide(
    'A URL or a git repository of the build did not answer, or has not what was asked for.',
    'cannot fetch repository "https://a.test/x.git": git says "Could not resolve host: a.test"',
    'Check the address, the network and the proxy; what is not public needs a secret with a token.',
  ),
  IMAGE_NOT_FOUND: guide(
    'Neither the store nor the registry has an image of that name.',
    'cannot find image "nosuch": not in the store',
    'Check name and tag; `tsbuild images` lists what is here.',
  ),
  PLATFORM_NOT_FOUND: guide(
    'The image is there, and not for the platform that is asked for.',
    'cannot use image "docker.io/library/x:1": no variant for linux/arm64',
    'Choose one of the platforms that the hint lists, or another image.',
  ),
  REGISTRY_UNAUTHORIZED: guide(
    'The registry wants a login, or this account may not do it. Some registries say so of repositories that are not there.',
    'cannot push "registry.example/team/app:1": registry.example refused the credentials',
    '`tsbuild login REGISTRY`, and check the name of the repository.',
  ),
  REGISTRY_UNREACHABLE: guide(
    'No connection to the registry came about.',
    'cannot find image "127.0.0.1:1/x:latest": cannot reach http://127.0.0.1:1/v2/x/manifests/latest: connection refused',
    'Check the name of the registry, the network, and the proxy in HTTPS_PROXY and NO_PROXY.',
  ),
  REGISTRY_RESPONSE: guide(
    'The registry answered with an error, or with something that the protocol does not have.',
    'cannot push "registry.example/app:1": registry.example answered 500',
    'Try again later; what the registry itself says is in the message.',
  ),
  STORE_INVALID: guide(
    'The store is damaged, was made by a newer version, or is no store.',
    'cannot read the names of images in "/store/index.json": it is no OCI index',
    '`tsbuild fsck` finds what is wrong and `tsbuild fsck --repair` puts it aside; or choose another folder with --store.',
  ),
  STORE_IO: guide(
    'The folder of the store cannot be read or written.',
    'cannot open store "/etc/passwd": a part of its path is a file',
    'Check who may write there, or choose another folder with --store or TSBUILD_STORE.',
  ),
  DISK_FULL: guide(
    'The disk of the store has no room left, or the quota is used up. What was being written is gone, what was there is whole.',
    'cannot write layer: no space left on the disk',
    '`tsbuild df` tells what takes the room, `tsbuild prune` frees it.',
  ),
  OUTPUT_FAILED: guide(
    'A file or folder that an option names cannot be written.',
    'cannot write file "/nonexistent/x.tar": the folder does not exist',
    'Make the folder, or check who may write there.',
  ),
  NOT_REPRODUCIBLE: guide(
    'With `--check-reproducible` a step gave other files when it was done a second time.',
    'cannot build the same image twice: 1 step gave another layer',
    'Look at the files that are listed; [the same image again](reproducible.md) has the usual causes.',
  ),
  IMAGE_WASTEFUL: guide(
    'The image has more in its layers than it shows as files, and a bound on that was given.',
    'cannot accept image "app": more of it is wasted than allowed',
    'Remove files in the step that makes them, or copy the result from another stage; `tsbuild explore` names what is wasted.',
  ),
  ABORTED: guide(
    'The command was interrupted, by a signal or by whoever uses the library.',
    'cannot finish "make": it was cancelled',
    'Run it again: finished steps are remembered.',
  ),
};
