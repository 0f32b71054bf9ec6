// Each hands the line up to the cursor to `tsbuild completion words`, which knows what may follow.

/** Bash splits words at = and : as well: what stands before the last of them must not be repeated. */
const BASH = `# tsbuild: completion for bash, to be sourced: source <(tsbuild completion bash)
_tsbuild() {
  local line=\${COMP_LINE:0:COMP_POINT} reply word
  COMPREPLY=()
  while IFS= read -r reply; do
    if [[ $reply == :files ]]; then
      compopt -o default
    else
      COMPREPLY+=("\${reply%%$'\\t'*}")
    fi
  done < <(tsbuild completion words -- "$line" 2>/dev/null)
  word=\${line##*[[:space:]]}
  if [[ $word == *[:=]* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${word%"\${word##*[:=]}"}"}")
  fi
}
complete -F _tsbuild tsbuild
`;

const ZSH = `#compdef tsbuild
# tsbuild: completion for zsh, to be sourced after compinit: source <(tsbuild completion zsh)
_tsbuild() {
  local reply files
  local -a replies described
  for reply in "\${(@f)$(tsbuild completion words -- "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}"; do
    if [[ $reply == :files ]]; then
      files=1
    elif [[ -n $reply ]]; then
      replies+=("\${reply%%$'\\t'*}")
      described+=("\${reply/$'\\t'/  -- }")
    fi
  done
  (( $#replies )) && compadd -l -d described -a replies
  [[ -n $files ]] && _files
}
compdef _tsbuild tsbuild
`;

const FISH = `# tsbuild: completion for fish, to be sourced: tsbuild completion fish | source
function __tsbuild_candidates
  for reply in (tsbuild completion words -- (commandline -cp) 2>/dev/null)
    if test $reply = :files
      __fish_complete_path (commandline -ct)
    else
      echo $reply
    end
  end
end
complete -c tsbuild -f -a '(__tsbuild_candidates)'
`;

export const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
