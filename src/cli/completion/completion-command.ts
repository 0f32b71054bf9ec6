import type { Command } from '../command.js';

export const COMPLETION: Command = {
  name: 'completion',
  operands: 'bash|zsh|fish',
  summary: 'Print a script that lets a shell complete commands, options and names of images',
  options: [],
  about: [
    'To have it in every new shell, add to its start-up file:',
    '  ~/.bashrc                    source <(tsbuild completion bash)',
    '  ~/.zshrc, after compinit     source <(tsbuild completion zsh)',
    '  ~/.config/fish/config.fish   tsbuild completion fish | source',
  ],
  // With a second word the scripts ask for what may follow: `tsbuild completion words -- LINE`.
  positionals: { min: 1, max: 2 },
  load: () => import('../commands/completion.js'),
};
