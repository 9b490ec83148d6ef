/// Tells whether the provider searches for an answer before it gives it.
///
/// Providers have many spellings of the wish (`web_search_options`, `search_parameters`, `enable_search`, `plugins`, tools that they run themselves,
/// models that always search) and add to them; nearly all of them have the word in their name. A wish that is seen where there is none costs a
/// rewording its hit, one that is overlooked serves yesterday's news.
enum SearchSigns {
    /// Whether a member of a body wishes for a search: by its name, or within what providers keep their own parameters in.
    static func isWish(_ name: JSONNode, _ value: JSONNode) -> Bool {
        guard let text = name.text else { return false }
        if name.isString("plugins") || name.isString("data_sources") || name.isString("dataSources") { return value.elements.contains { !isOff($0) } }
        if saysSearch(text) { return !text.starts(with: "disable".utf8) && !isOff(value) }
        guard value.kind == .object, name.isString("extra_body") || text.ends(in: "parameters") else { return false }
        return value.members.contains { isWish($0, $1) }
    }

    /// Whether a list of tools has one with which the provider searches by itself.
    static func isOffered(in tools: JSONNode) -> Bool { tools.elements.contains { isSearch($0) } }

    /// Whether models of this name search for every answer: `gpt-4o-search-preview`, `sonar-pro`, `name:online`.
    static func isSearching(model: String) -> Bool {
        model.utf8.contains(UInt8(ascii: "s")) || model.utf8.contains(UInt8(ascii: "o"))
            ? model.lowercased().split(whereSeparator: { "-_/:. ".contains($0) }).contains { searchingWords.contains(String($0)) } : false
    }

    private static let searchingWords: Set<String> = ["search", "sonar", "online"]

    /// What a tool of the provider's is called says what it does. A function is the client's own, whatever its name is.
    private static func isSearch(_ tool: JSONNode) -> Bool {
        guard let type = tool["type"], let kind = type.text else {
            // Google's tools are members: `{"googleSearch": {}}`.
            return tool.members.contains { name, value in name.text.map(looksOutside) ?? false && !isOff(value) }
        }
        if type.isString("function") || type.isString("custom") { return false }
        let named = tool["function"]?["name"]?.text
        return (looksOutside(kind) || named.map(looksOutside) ?? false)
            && !tool.members.contains { name, value in name.text.map { $0 == kind } ?? false && isOff(value) }
    }

    private static func looksOutside(_ name: ArraySlice<UInt8>) -> Bool {
        // Looking among the tools that the request itself brings is no search.
        if name.starts(with: "tool_search".utf8) || name.starts(with: "toolSearch".utf8) { return false }
        return saysSearch(name)
            || ["fetch", "browse", "url_context", "urlContext", "google_maps", "googleMaps", "retrieval"].contains { name.contains($0) }
    }

    private static func saysSearch(_ name: ArraySlice<UInt8>) -> Bool {
        name.count >= 6 && (name.contains("search") || name.contains("Search")) && !name.contains("beam_search")
    }

    /// Whether a value says no: false, null, nothing, a word for it, or an object whose switch says so.
    private static func isOff(_ value: JSONNode) -> Bool {
        switch value.kind {
        case .null, .false: true
        case .true, .number: value.int == 0
        case .string: ["", "off", "none", "never", "disabled", "false", "no"].contains(value.string?.lowercased() ?? "")
        case .array: value.count == 0
        case .object:
            value.members.contains { name, value in
                ["mode", "enable", "enabled"].contains(name.string ?? "") && value.kind != .object && isOff(value)
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether the text stands somewhere in it.
    fileprivate func contains(_ text: String) -> Bool {
        let text = Array(text.utf8)
        guard count >= text.count else { return false }
        return (startIndex...(endIndex - text.count)).contains { self[$0] == text[0] && self[$0..<$0 + text.count].elementsEqual(text) }
    }

    fileprivate func ends(in text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
