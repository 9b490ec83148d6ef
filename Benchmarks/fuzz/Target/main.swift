// The entry points that read what others wrote, each held against what it promises, driven by libFuzzer. Scripts/fuzz builds and runs it:
//
//     reprise-fuzz ENTRY [libFuzzer's flags] [CORPUS]
//     reprise-fuzz seeds FOLDER FIXTURES      writes a first corpus for every entry point
//
// Left out: HTTP itself, which NIO reads, and the network around it; Tests/Python sends those on sockets.

import CFuzzer
import Foundation

let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == "seeds" {
    try Seeds(fixtures: arguments[3]).write(to: arguments[2])
    exit(0)
}
guard arguments.count >= 2, let entry = FuzzEntry(rawValue: arguments[1]) else {
    print("expected one of: \(FuzzEntry.allCases.map(\.rawValue).joined(separator: " "))")
    exit(64)
}
FuzzEntry.current = entry

// The driver reads its arguments through these pointers until the process ends.
let given = [arguments[0]] + arguments.dropFirst(2)
let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: given.count + 1)
for (index, argument) in given.enumerated() { pointers[index] = strdup(argument) }
pointers[given.count] = nil
var count = CInt(given.count)
var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = pointers
exit(
    LLVMFuzzerRunDriver(&count, &values) { bytes, size in
        FuzzEntry.current.run(Array(UnsafeBufferPointer(start: bytes, count: size)))
        return 0
    })
