package import HTTPTypes

extension HTTPField {
    /// Whether the field tells a browser who may read the response (the Fetch standard's CORS protocol), or that this depends on the page that asks.
    package var isCrossOrigin: Bool {
        let name = name.canonicalName
        if name.utf8.first == UInt8(ascii: "a") { return name.hasPrefix("access-control-") }
        return name == "vary" && value.lowercased().contains("origin")
    }
}
