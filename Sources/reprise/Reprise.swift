import ArgumentParser

@main
struct Reprise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "reprise", abstract: "A semantic cache proxy for LLM calls.")
}
