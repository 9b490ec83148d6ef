/// Everything that is wrong with a configuration; never empty.
package struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// One thing that is wrong.
    package struct Problem: Sendable, Equatable, CustomStringConvertible {
        /// Where it stands.
        package enum Place: Sendable, Equatable {
            /// Line and column start at 1; the column counts Unicode scalars.
            case file(String, line: Int, column: Int)
            /// The file as a whole.
            case wholeFile(String)
            /// A flag, with its dashes.
            case flag(String)
            /// A default or the environment.
            case environment(String)
        }

        package var place: Place
        /// What was expected and what was found, and the nearest valid name.
        package var message: String

        package init(place: Place, message: String) {
            self.place = place
            self.message = message
        }

        /// `config.yaml:12:3: unknown key 'prot' in 'server'; did you mean 'port'?`
        package var description: String {
            switch place {
            case .file(let name, let line, let column): "\(name):\(line):\(column): \(message)"
            case .wholeFile(let name): "\(name): \(message)"
            case .flag(let name): "\(name): \(message)"
            case .environment(let name): "\(name): \(message)"
            }
        }
    }

    package var problems: [Problem]

    package init(problems: [Problem]) { self.problems = problems }

    /// Whether the command line alone is at fault.
    package var areAllFlags: Bool {
        problems.allSatisfy { if case .flag = $0.place { true } else { false } }
    }

    /// One line a problem, in the order of the file.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
