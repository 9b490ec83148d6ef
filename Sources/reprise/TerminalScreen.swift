import Foundation
import Glibc

/// The terminal's second screen, as editors use it: opened, drawn on, and left as it was found, also when Ctrl-C ends the program.
struct TerminalScreen {
    private let console: Console

    /// Opens the second screen and hides the cursor.
    init(console: Console) {
        self.console = console
        // A handler may only do what is safe in a signal: one write, then the end.
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                leaveSequence.withUTF8Buffer { _ = Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
                _exit(128 + number)
            }
        }
        console.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Draws the lines from the top. Each line is erased behind its end and the rest below: no flicker.
    func draw(_ lines: [String]) {
        console.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\n") + "\u{1B}[J")
    }

    /// Shows the cursor again and goes back to the first screen.
    func close() { console.write("\(leaveSequence)") }
}

private let leaveSequence: StaticString = "\u{1B}[?25h\u{1B}[?1049l"
