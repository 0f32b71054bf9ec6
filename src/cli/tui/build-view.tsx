import { Box } from 'ink';
import { useEffect, useState, type ReactElement } from 'react';
import { layoutView, WIDEST } from '../progress/layout.js';
import type { ViewSource } from '../progress/view-source.js';
import { Row } from './row.js';

const FRAME_MS = 100;

export interface BuildViewProps {
  readonly source: ViewSource;
  /** Of the terminal, asked at each frame: it may be resized. */
  readonly size: () => { readonly rows: number; readonly columns: number };
  readonly color: boolean;
}

/** The live view of a build. It asks for the state at its own pace: a thousand lines a second cost no more frames than one. */
export function BuildView({ source, size, color }: BuildViewProps): ReactElement {
  useFrames(FRAME_MS);
  const { rows, columns } = size();
  const { startedAt, title } = source;
  return (
    <Box flexDirection="column" width={Math.min(columns, WIDEST)}>
      {layoutView(source.state(), { rows, now: source.now(), startedAt, title }).map((row, index) => (
        <Row key={index} row={row} color={color} />
      ))}
    </Box>
  );
}

/** Renders the component anew at each interval. */
function useFrames(milliseconds: number): void {
  const [, setFrame] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      setFrame((frame) => frame + 1);
    }, milliseconds);
    return () => {
      clearInterval(timer);
    };
  }, [milliseconds]);
}
