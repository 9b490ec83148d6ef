import ArgumentParser

@main
struct Reprise: AsyncParsableCommand {
    static let version = "0.1.0"
    static let configuration = CommandConfiguration(
        commandName: "reprise", abstract: "A semantic cache proxy for LLM calls.", version: version, subcommands: [ServeCommand.self])
}
