/** Completion scripts for bash, zsh and fish, made from the commands themselves. */
import type { Command } from 'commander';

interface Completable {
  /** Words after the program's name, e.g. `keys show`. */
  readonly path: string;
  readonly summary: string;
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly description: string;
    readonly takesValue: boolean;
  }[];
  readonly subcommands: readonly string[];
}

/** Script by shell; each takes the whole program. */
export const SHELLS: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish };

/** The program and all its commands, flat. */
function completables(program: Command): Completable[] {
  const list: Completable[] = [];
  const visit = (command: Command, path: readonly string[]): void => {
    list.push({
      path: path.join(' '),
      summary: command.summary(),
      options: command
        .createHelp()
        .visibleOptions(command)
        .map(({ short, long, description, required }) => ({
          flags: [short, long].filter((flag) => flag !== undefined),
          description,
          takesValue: required,
        })),
      subcommands: command.commands.map((child) => child.name()),
    });
    for (const child of command.commands) visit(child, [...path, child.name()]);
  };
  visit(program, []);
  return list;
}

function bash(program: Command): string {
  const name = program.name();
  const fn = `_${name.replaceAll('-', '_')}`;
  const cases = completables(program).map(
    ({ path, options, subcommands }) =>
      `    ${quote(path)}) words=${quote([...subcommands, ...options.flatMap(({ flags }) => flags)].join(' '))} ;;`,
  );
  const values = [...new Set(completables(program).flatMap(({ options }) => valueFlags(options)))];
  return `# bash completion of ${name}: source <(${name} completion bash)
${fn}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' word words='' skip='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      ${values.join('|')}) skip=1 ;;
      -*) ;;
      *) path="\${path:+$path }$word" ;;
    esac
  done
  case $prev in ${values.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;; esac
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F ${fn} ${name}
`;
}

function zsh(program: Command): string {
  const name = program.name();
  const fn = `_${name.replaceAll('-', '_')}`;
  const cases = completables(program).map(({ path, options, subcommands }) => {
    const described = [
      ...subcommands.map((sub) => describe(sub, summaryOf(program, `${path} ${sub}`.trim()))),
      ...options.flatMap(({ flags, description }) => flags.map((flag) => describe(flag, description))),
    ];
    return `    ${quote(path)}) words=(${described.map(quote).join(' ')}) ;;`;
  });
  const values = [...new Set(completables(program).flatMap(({ options }) => valueFlags(options)))];
  return `#compdef ${name}
# zsh completion of ${name}: source <(${name} completion zsh)
${fn}() {
  # Not "path": that is zsh's own list of directories.
  local at='' word skip=''
  local -a words_before
  words_before=(\${words[2,CURRENT-1]})
  for word in $words_before; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
      ${values.join('|')}) skip=1 ;;
      -*) ;;
      *) at="\${at:+$at }$word" ;;
    esac
  done
  if [[ -n $skip ]]; then _files; return; fi
  local -a candidates
  case $at in
${cases.map((line) => line.replace('words=(', 'candidates=(')).join('\n')}
  esac
  _describe '${name}' candidates || _files
}
compdef ${fn} ${name}
`;
}

function fish(program: Command): string {
  const name = program.name();
  const lines = completables(program).flatMap(({ path, options, subcommands }) => {
    const words = path.split(' ').filter((word) => word !== '');
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const unseen = subcommands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${subcommands.join(' ')}`];
    const when = [...seen, ...unseen].join('; and ') || 'true';
    const condition = `-n ${quote(when)}`;
    return [
      ...subcommands.map(
        (sub) =>
          `complete -c ${name} -f ${condition} -a ${sub} -d ${quote(summaryOf(program, `${path} ${sub}`.trim()))}`,
      ),
      ...options.map(({ flags, description, takesValue }) => {
        const spelled = flags
          .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
          .join(' ');
        return `complete -c ${name} ${condition} ${spelled}${takesValue ? ' -r' : ''} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion of ${name}: ${name} completion fish | source\n${[...new Set(lines)].join('\n')}\n`;
}

function valueFlags(options: Completable['options']): string[] {
  return options.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags);
}

function summaryOf(program: Command, path: string): string {
  return completables(program).find((item) => item.path === path)?.summary ?? '';
}

/** A candidate and its description for zsh's `_describe`. */
function describe(word: string, description: string): string {
  return `${word.replaceAll(':', '\\:')}:${description}`;
}

/** In single quotes, which bash, zsh and fish read alike but for the quote itself. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
