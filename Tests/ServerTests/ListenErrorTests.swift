import Glibc
import NIOCore
@testable import Server
import Testing

/// What is said where the port cannot be opened.
struct ListenErrorTests {
    private static let cases: [(code: CInt, error: ListenError, words: [String])] = [
        (EADDRINUSE, .portTaken(80, host: "h"), ["server.port (--port)", "expected a free port", "80", "in use on h"]),
        (EACCES, .portReserved(80), ["server.port (--port)", "expected a port that this user may open", "found 80"]),
        (EADDRNOTAVAIL, .foreignAddress("h"), ["server.host (--host)", "expected an address of this machine", "found h"]),
        (EINVAL, .unusableAddress("h", reason: "Invalid argument"), ["server.host (--host)", "found h", "Invalid argument"]),
    ]

    @Test(arguments: cases.indices) func eachNamesTheSetting(index: Int) {
        let wanted = Self.cases[index]
        let made = ListenError(IOError(errnoCode: wanted.code, reason: "bind"), host: "h", port: 80)
        #expect(made == wanted.error)
        for word in wanted.words { #expect(made?.description.contains(word) == true) }
    }

    @Test func whatSaysNothingAboutTheAddressIsLeftAlone() {
        #expect(ListenError(IOError(errnoCode: ENOMEM, reason: "bind"), host: "h", port: 80) == nil)
        #expect(ListenError(CancellationError(), host: "h", port: 80) == nil)
    }
}
