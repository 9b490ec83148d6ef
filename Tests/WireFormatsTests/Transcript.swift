import Foundation
import HTTPTypes
import SemanticCache
import Testing

@testable import WireFormats

/// A provider's response as a file of `Tests/Fixtures/Transcripts`: `ENDPOINT-WHAT.sse` or `.json`.
struct Transcript: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
        path: "Fixtures/Transcripts")

    /// Every fixture there is, by name.
    static var all: [Transcript] {
        get throws { try named(in: "").map { try Transcript($0) } }
    }

    /// The names, with their folder's, of the fixtures in a folder.
    static func named(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: folder).path).sorted()
            .filter { $0.hasSuffix(".sse") || $0.hasSuffix(".json") }.map { folder + $0 }
    }

    init(_ name: String) throws {
        self.name = name
        bytes = try Array(Data(contentsOf: Self.folder.appending(path: name)))
    }

    var testDescription: String { name }

    var isEvents: Bool { name.hasSuffix(".sse") }

    var endpoint: Endpoint {
        switch (name.split(separator: "/").last.map { String($0) } ?? name).prefix({ $0 != "-" && $0 != "." }) {
        case "messages": .messages
        case "responses": .responses
        case "completion": .completions
        case "embeddings": .embeddings
        case "gemini": .generateContent
        case "geminiembeddings": .embedContent
        default: .chatCompletions
        }
    }

    /// A request that the transcript could answer.
    func request(stream: Bool, usage: Bool = false, choices: Int = 1) throws -> CacheableRequest {
        let options = usage ? #","stream_options":{"include_usage":true}"# : ""
        let google = #""contents":[{"parts":[{"text":"q"}]}],"generationConfig":{"candidateCount":\#(choices)}"#
        let body =
            #"{"messages":[{"role":"user","content":"q"}],"input":"q","prompt":"q",\#(google),"n":\#(choices),"stream":\#(stream)\#(options)}"#
        return try WireFormatsTests.request(body, endpoint: endpoint)
    }

    /// What the recorder makes of the bytes, cut at `cuts`.
    func record(cuts: [Int] = [], choices: Int = 1, limit: Int = 1 << 20) throws -> Result<RecordedAnswer, NotStoredReason> {
        let fields: HTTPFields = [.contentType: isEvents ? "text/event-stream; charset=utf-8" : "application/json"]
        var recorder = AnswerRecorder(request: try request(stream: isEvents, choices: choices), status: 200, fields: fields, limit: limit)
        var start = 0
        for cut in cuts + [bytes.count] {
            recorder.append(Array(bytes[start..<cut]), milliseconds: UInt32(start))
            start = cut
        }
        return recorder.finish()
    }

    /// The recorded answer; records an issue when it may not be kept.
    func answer() throws -> Answer {
        let recorded = try record().get()
        return Answer(recording: recorded.recording, fields: recorded.fields, usage: recorded.usage, upstreamTime: .zero)
    }
}

extension String {
    fileprivate func prefix(_ predicate: (Character) -> Bool) -> String { String(prefix(while: predicate)) }
}

/// The canonical text of `bytes`, for comparing JSON by value.
func canonicalText(_ bytes: [UInt8]) throws -> String {
    String(decoding: try #require(try CanonicalJSON.bytes(of: bytes)), as: UTF8.self)
}
