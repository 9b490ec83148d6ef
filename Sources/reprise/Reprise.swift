// The program: its commands.
//
// `reprise serve` runs the proxy. `check` reads the configuration only. Every other command talks HTTP to a running proxy through
// `AdminClient`, the one file here that knows how a connection is made.
//
// Rules that all commands keep:
// - results go to standard output, progress and errors to standard error; colours and redrawing only on a terminal, and no colour with NO_COLOR;
// - text that came from prompts or answers is stripped of control characters before it reaches a terminal;
// - exit statuses are those of sysexits.h and stand in `CommandFailure.Status`, from which `--help` and the manual page list them;
// - every command shows an example in its `--help`, and all but `serve` print JSON for programs with `--json`.
//
// Left out: anything that decides about requests; that is the proxy's.

import ArgumentParser

@main
struct Reprise: AsyncParsableCommand {
    static let version = "0.1.0"
    static let configuration = CommandConfiguration(
        commandName: "reprise",
        abstract: "A semantic cache proxy for LLM calls.",
        discussion: """
            Example:
              reprise init
              reprise serve --upstream https://api.openai.com/v1
              reprise stats --watch

            Exit statuses:
              0   done
            \(CommandFailure.Status.allCases.map { "  \($0.rawValue)\($0.rawValue < 10 ? "   " : "  ")\($0.meaning)" }.joined(separator: "\n"))

            Completions: reprise --generate-completion-script bash (or zsh, fish) prints them.
            """,
        version: version,
        subcommands: [
            InitCommand.self, ServeCommand.self, CheckCommand.self, StatsCommand.self, WarmCommand.self, FlushCommand.self, ListCommand.self,
            ShowCommand.self, ExplainCommand.self, EvaluateCommand.self, ExportCommand.self, ImportCommand.self,
        ])
}
