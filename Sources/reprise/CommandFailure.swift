import ArgumentParser
import Settings

/// Why a command ends early: one message for standard error, and the exit status by `sysexits.h`.
struct CommandFailure: Error, Equatable {
    /// Exit statuses beside 0.
    enum Status: Int32, CaseIterable {
        /// The proxy refused or failed, in a way that no other status names.
        case failure = 1
        /// EX_USAGE: flags that do not go together.
        case usage = 64
        /// EX_DATAERR: input with bad records.
        case badData = 65
        /// EX_NOINPUT: a file that cannot be read.
        case noInput = 66
        /// EX_UNAVAILABLE: no proxy answers.
        case unavailable = 69
        /// EX_CANTCREAT: a file that cannot be written, or is there already.
        case cannotCreate = 73
        /// EX_NOPERM: the proxy wants another admin token.
        case notAllowed = 77
        /// EX_CONFIG: a bad configuration.
        case configuration = 78

        /// What `--help` and the manual page say of it.
        var meaning: String {
            switch self {
            case .failure: "the proxy refused or failed, or nothing was done"
            case .usage: "wrong use of the command"
            case .badData: "some records were bad; the others were taken"
            case .noInput: "a file cannot be read"
            case .unavailable: "no proxy answers there"
            case .cannotCreate: "a file cannot be written, or is there already"
            case .notAllowed: "the proxy wants another admin token"
            case .configuration: "the configuration is wrong"
            }
        }
    }

    var status: Status
    var message: String

    init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    /// A configuration that is wrong; wrong flags alone are bad usage.
    init(_ errors: SettingsErrors) {
        self.init(errors.areAllFlags ? .usage : .configuration, errors.description)
    }
}

/// Runs a command's body; a failure becomes its message on standard error and its exit status.
func reporting(to console: Console = .standard, _ body: () async throws -> Void) async throws {
    do { try await body() } catch let failure as CommandFailure {
        if !failure.message.isEmpty {
            console.error(failure.message.split(separator: "\n", omittingEmptySubsequences: false).map { "reprise: \($0)" }.joined(separator: "\n"))
        }
        throw ExitCode(failure.status.rawValue)
    }
}
