import { expect, test } from 'vitest';
import { planError } from './plan-text.js';

test.each([
  ['RUN --mount=target=/a x', 'RUN --mount'],
  ['RUN --security=insecure x', 'RUN --security=insecure'],
  ['RUN --device=a.b/c=0 x', 'RUN --device'],
  ['RUN <<EOF\n#!/bin/sh\nEOF', 'a heredoc that begins with "#!"'],
])('%j is refused by name until it can be built', async (text, feature) => {
  const error = await planError(`FROM scratch\n${text}`);
  expect(error).toMatchObject({
    code: 'DOCKERFILE_UNSUPPORTED',
    message: `cannot build line 2: ${feature} is not supported yet`,
  });
});
