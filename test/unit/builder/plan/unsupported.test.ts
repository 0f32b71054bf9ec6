import { expect, test } from 'vitest';
import { planError } from './plan-text.js';

test.each([
  ['COPY <<EOF /x\nEOF', 'a heredoc in COPY'],
  ['ADD --link a /x', 'ADD --link'],
  ['COPY --parents a /x', 'COPY --parents'],
  ['COPY --exclude=a b /x', 'COPY --exclude'],
  ['ADD --checksum=sha256:0 a /x', 'ADD --checksum'],
  ['ADD --keep-git-dir a /x', 'ADD --keep-git-dir'],
  ['ADD --unpack=false a /x', 'ADD --unpack'],
])('%j is refused by name until it can be built', async (text, feature) => {
  const error = await planError(`FROM scratch\n${text}`);
  expect(error).toMatchObject({
    code: 'DOCKERFILE_UNSUPPORTED',
    message: `cannot build line 2: ${feature} is not supported yet`,
  });
});
