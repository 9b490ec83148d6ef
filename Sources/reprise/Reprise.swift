// The program: its commands.
//
// `reprise serve` runs the proxy. `check` reads the configuration only. Every other command talks HTTP to a running proxy through
// `AdminClient`, the one file here that knows how a connection is made.
//
// Rules that all commands keep:
// - results go to standard output, progress and errors to standard error; colours and redrawing only on a terminal, and never with NO_COLOR;
// - text that came from prompts or answers is stripped of control characters before it reaches a terminal;
// - exit statuses are those of sysexits.h (`CommandFailure`): 64 usage, 65 bad records, 69 no proxy there, 77 not allowed, 78 configuration.
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
              reprise check --config config.yaml
              reprise stats --watch
            """,
        version: version,
        subcommands: [
            ServeCommand.self, CheckCommand.self, StatsCommand.self, WarmCommand.self, FlushCommand.self, ListCommand.self, ExplainCommand.self,
            EvaluateCommand.self,
            ShowCommand.self,
        ])
}
