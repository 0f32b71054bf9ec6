import { Box, Text } from 'ink';
import { useEffect, useState, type ReactElement } from 'react';
import stringWidth from 'string-width';
import { layoutView, PANE_GAP, WIDEST, type ViewRow } from '../progress/layout.js';
import { rowText } from '../progress/row-text.js';
import type { ViewSource } from '../progress/view-source.js';
import type { TextForm } from '../text/clip.js';
import { palette } from '../text/color.js';

const FRAME_MS = 100;

export interface BuildViewProps {
  readonly source: ViewSource;
  /** The size of the terminal, asked at each frame: it may be resized. */
  readonly screen: { readonly rows: number; readonly columns: number };
  readonly color: boolean;
  readonly utf8: boolean;
}

/** The live view of a build. It asks for the state at its own pace: a thousand lines a second cost no more frames than one. */
export function BuildView({ source, screen: { rows, columns }, color, utf8 }: BuildViewProps): ReactElement {
  useFrames(FRAME_MS);
  const { startedAt, title, unfinished } = source;
  const view = layoutView(source.state(), { rows, columns, now: source.now(), startedAt, title, unfinished });
  const { head, panes, foot, width } = view;
  const look = { color, form: { measure: stringWidth, utf8 } };
  const whole = { ...look, width: Math.min(columns, WIDEST) };
  return (
    <Box flexDirection="column" width={columns}>
      <Rows rows={head} {...whole} />
      <Box columnGap={PANE_GAP}>
        {panes.map((pane, index) => (
          <Box key={index} flexDirection="column" width={width} flexShrink={0}>
            <Rows rows={pane} {...look} width={width} />
          </Box>
        ))}
      </Box>
      <Rows rows={foot} {...whole} />
    </Box>
  );
}

interface RowsProps {
  readonly rows: readonly ViewRow[];
  /** Columns. */
  readonly width: number;
  readonly color: boolean;
  readonly form: TextForm;
}

const TONES = {
  heading: 'bold',
  finished: 'blue',
  running: undefined,
  failed: 'red',
  detail: 'dim',
  warning: 'yellow',
} as const satisfies Readonly<Record<ViewRow['tone'], keyof ReturnType<typeof palette> | undefined>>;

/** Cut to the width beforehand and never wrapped, so that a view has as many lines as it has rows. */
function Rows({ rows, width, color, form }: RowsProps): ReactElement {
  const paint = palette(color);
  const lines = rows.map((row) => {
    const tone = TONES[row.tone];
    const text = rowText(row, width, form);
    return tone === undefined ? text : paint[tone](text);
  });
  return (
    <Box flexDirection="column" height={lines.length} flexShrink={0}>
      {lines.map((line, index) => (
        <Text key={index} wrap="truncate-end">
          {line}
        </Text>
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
