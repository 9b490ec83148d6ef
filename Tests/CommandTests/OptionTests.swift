import ArgumentParser
import Foundation
import Settings
import Testing

@testable import reprise

/// Flags and what becomes of them.
struct OptionTests {
    private func body(_ arguments: [String]) throws -> String {
        let command = try FlushCommand.parse(arguments)
        return String(decoding: try command.body(dryRun: command.dryRun), as: UTF8.self)
    }

    @Test func selectorsBecomeJSON() throws {
        let arguments = [
            "--id", "00000000000000ff", "--tenant", "ab", "--namespace", "n", "--model", "m", "--tag", "t", "--older-than", "7d", "--matching",
            "^a.*",
            "--similar-to", "How \"so\"?", "--threshold", "0.8", "--dry-run",
        ]
        let expected =
            #"{"dry_run":true,"id":"00000000000000ff","matching":"^a.*","model":"m","namespace":"n","older_than":"7d","#
            + #""similar_to":"How \"so\"?","tag":"t","tenant":"ab","threshold":0.8}"#
        #expect(try body(arguments) == expected)
        #expect(try body(["--all"]) == #"{"all":true}"#)
    }

    @Test(arguments: [
        [], ["--all", "--tag", "x"], ["--older-than", "soon"], ["--id", "7"], ["--threshold", "0.5"], ["--similar-to", "a", "--threshold", "2"],
        ["--tag", ""],
    ])
    func flushRefuses(arguments: [String]) {
        #expect(throws: (any Error).self) { try FlushCommand.parse(arguments) }
        if let error = failure({ _ = try FlushCommand.parse(arguments) }) { #expect(FlushCommand.exitCode(for: error).rawValue == 64) }
    }

    @Test(arguments: [["--concurrency", "0", "f"], ["--limit", "0", "f"], [], ["-", "-"], ["a", "a"], ["--resume", "-"], ["--model", "", "f"]])
    func warmRefuses(arguments: [String]) {
        #expect(throws: (any Error).self) { try WarmCommand.parse(arguments) }
    }

    @Test func listPages() throws {
        let command = try ListCommand.parse(["--tag", "a", "--limit", "500"])
        #expect(command.query(cursor: nil, remaining: 500).map { "\($0.name)=\($0.value)" } == ["limit=200", "tag=a"])
        #expect(command.query(cursor: "c", remaining: 7).map { "\($0.name)=\($0.value)" } == ["limit=7", "cursor=c", "tag=a"])
        let newest = try ListCommand.parse(["--newest"])
        #expect(newest.query(cursor: "c", remaining: 7).map { "\($0.name)=\($0.value)" } == ["limit=7", "order=newest", "cursor=c"])
        #expect(throws: (any Error).self) { try ListCommand.parse(["--newest", "--near-misses"]) }
    }

    @Test(arguments: [
        ("localhost:8080", "http://localhost:8080"), ("https://a/", "https://a"), ("http://a:1/v1/", "http://a:1"),
        ("http://[::1]:80", "http://[::1]:80"),
    ])
    func serverAddresses(text: String, address: String) throws {
        #expect(try ProxyAddress.parse(["--server", text]).address { _ in nil } == address)
    }

    @Test(arguments: ["ftp://a", "http://", "http://a:99999", "http://a?x", "a b"])
    func badServerAddresses(text: String) throws {
        let options = try ProxyAddress.parse(["--server", text])
        let error = failure { _ = try options.address { _ in nil } } as? CommandFailure
        #expect(error?.status == .usage && error?.message.contains("expected a URL such as") == true)
    }

    @Test func addressOfTheConfiguration() throws {
        var server = Settings().server
        #expect(try ProxyAddress.address(of: server) == "http://127.0.0.1:8080")
        server.host = "0.0.0.0"
        #expect(try ProxyAddress.address(of: server) == "http://127.0.0.1:8080")
        server.host = "::"
        #expect(try ProxyAddress.address(of: server) == "http://[::1]:8080")
        server.tlsCertificate = "cert.pem"
        #expect(try ProxyAddress.address(of: server) == "https://[::1]:8080")
        server.port = 0
        #expect(throws: CommandFailure.self) { try ProxyAddress.address(of: server) }
    }

    @Test func aBadConfigurationIsExit78AndBadFlagsAre64() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".yaml")
        try Data("server:\n  prot: 1\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let options = try ProxyAddress.parse(["--config", file.path])
        let error = failure { _ = try options.address { _ in nil } } as? CommandFailure
        #expect(error?.status == .configuration)
        #expect(error?.message == "\(file.path):2:3: unknown key 'prot' in 'server'; did you mean 'port'?")
        do throws(SettingsErrors) { _ = try Settings.load(text: "", file: nil, overrides: Overrides(port: "x"), environment: { _ in nil }) } catch {
            #expect(CommandFailure(error).status == .usage)
        }
    }

    @Test func everyCommandShowsAnExample() {
        for command in [Reprise.self] + Reprise.configuration.subcommands {
            #expect(command.helpMessage(columns: 100).contains("Example:\n  reprise "), "\(command)")
        }
    }

    private func failure(_ body: () throws -> Void) -> (any Error)? {
        do { try body() } catch { return error }
        return nil
    }
}
