extension RequestReader {
    /// A body of a streamed request that also asks for `stream_options.include_usage`; everything else byte for byte as it was, and what is added at
    /// the end: providers keep what they have computed for a beginning that they know.
    package static func askingForUsage(_ body: [UInt8]) -> [UInt8]? {
        guard let root = try? JSONDocument(body).root, root.kind == .object else { return nil }
        guard let options = root["stream_options"] else { return adding("\"stream_options\":{\"include_usage\":true}", to: root) }
        guard options.kind == .object else {
            return Array(body[..<options.sourceRange.lowerBound]) + Array("{\"include_usage\":true}".utf8) + body[options.sourceRange.upperBound...]
        }
        let asked = options.members.filter { name, _ in name.isString("include_usage") }.map(\.value.sourceRange)
        guard !asked.isEmpty else { return adding("\"include_usage\":true", to: options) }
        var result: [UInt8] = []
        var position = 0
        for range in asked {
            result += body[position..<range.lowerBound]
            result += Array("true".utf8)
            position = range.upperBound
        }
        return result + body[position...]
    }

    /// The whole body with one more member at the end of this object.
    private static func adding(_ member: String, to object: JSONNode) -> [UInt8] {
        let body = object.document.bytes
        var end = object.sourceRange.lowerBound + 1
        for (_, value) in object.members { end = value.sourceRange.upperBound }
        return Array(body[..<end]) + Array((object.count > 0 ? "," : "").utf8) + Array(member.utf8) + body[end...]
    }
}
