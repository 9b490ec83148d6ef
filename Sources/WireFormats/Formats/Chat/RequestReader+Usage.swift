extension RequestReader {
    /// A body of a streamed request that also asks for `stream_options.include_usage`; everything else byte for byte as it was.
    package static func askingForUsage(_ body: [UInt8]) -> [UInt8]? {
        guard let root = try? JSONDocument(body).root, root.kind == .object else { return nil }
        let include: StaticString = "\"include_usage\":true"
        guard let options = root["stream_options"] else {
            var result = Array(body[...root.sourceRange.lowerBound])
            result.append(raw: "\"stream_options\":{\"include_usage\":true}")
            if root.count > 0 { result.append(UInt8(ascii: ",")) }
            return result + body[(root.sourceRange.lowerBound + 1)...]
        }
        var written: [UInt8] = [UInt8(ascii: "{")]
        written.append(raw: include)
        for (name, value) in options.members where !name.isString("include_usage") { written.appendMember(name, value) }
        written.append(UInt8(ascii: "}"))
        return Array(body[..<options.sourceRange.lowerBound]) + written + body[options.sourceRange.upperBound...]
    }
}
