import Foundation

/// Where a command writes: results to standard output, all else to standard error.
struct Console: Sendable {
    /// Whether standard output is a terminal.
    var outIsTerminal: Bool
    /// Whether standard error is a terminal.
    var errorIsTerminal: Bool
    /// Whether colours may be written to standard output.
    var usesColour: Bool
    /// Whether terminals understand no escape sequences (`TERM=dumb`), as in an editor's shell.
    var isDumb = false

    static let standard = Console(
        outIsTerminal: isatty(STDOUT_FILENO) == 1, errorIsTerminal: isatty(STDERR_FILENO) == 1, environment: ProcessInfo.processInfo.environment)

    init(outIsTerminal: Bool, errorIsTerminal: Bool, usesColour: Bool) {
        self.outIsTerminal = outIsTerminal
        self.errorIsTerminal = errorIsTerminal
        self.usesColour = usesColour
    }

    /// Colours only on a terminal that has them, and never where `NO_COLOR` is set to anything (no-color.org).
    init(outIsTerminal: Bool, errorIsTerminal: Bool, environment: [String: String]) {
        let isDumb = environment["TERM"] == "dumb"
        let isPlain = !(environment["NO_COLOR"] ?? "").isEmpty || isDumb
        self.init(outIsTerminal: outIsTerminal, errorIsTerminal: errorIsTerminal, usesColour: outIsTerminal && !isPlain)
        self.isDumb = isDumb
    }

    /// Whether a screen can be drawn on standard output.
    var outDraws: Bool { outIsTerminal && !isDumb }

    /// Whether a line can be drawn over on standard error.
    var errorDraws: Bool { errorIsTerminal && !isDumb }

    /// Writes the text and a line's end to standard output.
    func out(_ text: String) { write(text + "\n") }

    /// Writes the text as it is to standard output.
    func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Writes the text and a line's end to standard error.
    func error(_ text: String) { writeError(text + "\n") }

    /// Writes the text as it is to standard error.
    func writeError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// Columns of the terminal; 100 where there is none.
    var width: Int { size.columns }

    /// Columns and rows of the terminal; 100 and 40 where there is none.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        for descriptor in [STDOUT_FILENO, STDERR_FILENO] where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
            return (Int(size.ws_col), size.ws_row > 0 ? Int(size.ws_row) : 40)
        }
        return (100, 40)
    }

    func bold(_ text: String) -> String { usesColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func green(_ text: String) -> String { usesColour ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
    func red(_ text: String) -> String { usesColour ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
    func dim(_ text: String) -> String { usesColour ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}

/// Text from a prompt or an answer made safe for a terminal: control characters (escape sequences begin with one) become blanks.
func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control,
            .format where scalar != "\u{200D}", .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
            result.append(" ")
        default: result.append(scalar)
        }
    }
    return String(result)
}
