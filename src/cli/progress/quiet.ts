import { LineSplitter } from './line-splitter.js';
import { ProgressModel } from './model.js';
import type { ProgressRenderer, RendererOptions } from './renderer.js';
import { failureLines } from './report.js';

/** Nothing, but after a failed RUN the last lines of its output. */
export function createQuietRenderer({ write }: Pick<RendererOptions, 'write'>): ProgressRenderer {
  const splitter = new LineSplitter();
  const model = new ProgressModel();
  return {
    sink: (event) => {
      for (const each of splitter.split(event)) model.apply(each);
    },
    finish: (outcome) => {
      const lines = failureLines(model.state, outcome);
      if (lines.length > 0) write(`${lines.join('\n')}\n`);
      return Promise.resolve();
    },
    reportsErrors: false,
  };
}
