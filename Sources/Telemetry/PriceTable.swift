/// The prices of models by name: the built-in table with the operator's over it. A model that is not in it costs nothing that is known.
package struct PriceTable: Sendable {
    /// The day to which the built-in table speaks, as YYYY-MM-DD.
    package let date: String
    private var prices: [String: ModelPrice]

    /// No prices at all.
    package static let empty = PriceTable(date: "", prices: [:])

    /// The table that is part of the program.
    package static let builtIn = read(PackageResources.prices_tsv)

    private init(date: String, prices: [String: ModelPrice]) {
        self.date = date
        self.prices = prices
    }

    /// This table with `others` added, each in place of one with the same name.
    package func overridden(by others: [String: ModelPrice]) -> PriceTable {
        PriceTable(date: date, prices: prices.merging(others) { _, new in new })
    }

    /// The models that have a price.
    package var models: [String] { prices.keys.sorted() }

    /// The price of `model`: under its full name, else under the name that it has without what gateways put before it (`openai/`, on Bedrock
    /// `us.anthropic.`) and what they or its provider put behind it: a release (`-2024-08-06`, `-20250514`, `-0613`, `-preview-09-2025`, `-latest`,
    /// `@20250929`, `-v1:0`) or a way of serving it (`:nitro`). A name never falls back to another model's, nor to a provider's for a model that
    /// somebody runs himself (`ollama/...`, `mistral-small:24b`).
    package func price(of model: String) -> ModelPrice? {
        if let price = prices[model] { return price }
        let path = model.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        guard let name = path.last, !path.dropLast().contains(where: { Self.ownServers.contains(String($0)) }) else { return nil }
        for known in Self.names(of: name) { if let price = prices[String(known)] { return price } }
        return nil
    }

    /// What gateways call the programs that serve models on the operator's own machine.
    private static let ownServers: Set = ["ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm"]
    /// What OpenRouter lets stand behind a colon. Ollama's tags stand there too, and are other models.
    private static let servings: Set = ["free", "extended", "beta", "thinking", "nitro", "floor", "online", "exacto"]

    /// The names under which the table may have a model, the longest first.
    private static func names(of name: Substring) -> [Substring] {
        let onBedrock = withoutMaker(name)
        var bare = onBedrock ?? name
        if let mark = bare.firstIndex(where: { $0 == "@" || $0 == ":" }) {
            let tag = bare[bare.index(after: mark)...]
            let isRelease = isNumber(tag) || tag == "latest" || tag == "default"
            guard bare[mark] == "@" ? isRelease : onBedrock != nil || servings.contains(String(tag)) else { return [name] }
            bare = bare[..<mark]
        }
        if bare.hasPrefix("claude-"), let dash = bare.lastIndex(of: "-") {
            let last = bare[bare.index(after: dash)...]
            if last.first == "v", isNumber(last.dropFirst()) { bare = bare[..<dash] }
        }
        return [name, bare] + withoutRelease(bare)
    }

    /// The model's own name in one of Bedrock's: `us.anthropic.claude-...`; `nil` for all others. Bedrock's prices are the maker's for Claude alone.
    private static func withoutMaker(_ name: Substring) -> Substring? {
        let labels = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard let maker = labels.prefix(2).firstIndex(of: "anthropic"), maker + 1 < labels.count else { return nil }
        return name[labels[maker + 1].startIndex...]
    }

    private static func withoutRelease(_ name: Substring) -> [Substring] {
        if name.hasSuffix("-latest") { return [name.dropLast("-latest".count)] }
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return [] }
        if parts.count > 3 {
            let (third, second) = (parts[parts.count - 3], parts[parts.count - 2])
            if isNumber(third, [4]), isNumber(second, [2]), isNumber(last, [2]) { return [name.dropLast("-YYYY-MM-DD".count)] }
            // Google's previews go by the month; what has no name of its own costs what the model does that came of it.
            if third == "preview", isNumber(second, [2]), (1...12).contains(Int(second) ?? 0), isNumber(last, [4]) {
                let preview = name.dropLast("-MM-YYYY".count)
                return [preview, preview.dropLast("-preview".count)]
            }
        }
        return isNumber(last, [3, 4, 8]) ? [name.dropLast(last.count + 1)] : []
    }

    /// - Parameter lengths: the counts of digits that will do; `nil` for any.
    private static func isNumber(_ text: Substring, _ lengths: [Int]? = nil) -> Bool {
        !text.isEmpty && (lengths?.contains(text.count) ?? true) && text.allSatisfy { $0.isASCII && $0.isNumber }
    }

    /// Reads lines of `model`, `input`, `cached input` and `output`, apart by tabs or spaces; `-` says that there is no such price. The line
    /// `# date: YYYY-MM-DD` dates the table; other lines that begin with `#` are comments. The table is the program's own: a bad line is a defect.
    private static func read(_ bytes: [UInt8]) -> PriceTable {
        var date = ""
        var prices: [String: ModelPrice] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("# date: ") { date = String(line.dropFirst("# date: ".count)) }
            if line.hasPrefix("#") { continue }
            let columns = line.split { $0 == "\t" || $0 == " " }
            guard columns.count == 4, let input = Double(columns[1]) else { preconditionFailure("prices.tsv: '\(line)'") }
            prices[String(columns[0])] = ModelPrice(input: input, cachedInput: Double(columns[2]), output: Double(columns[3]) ?? 0)
        }
        return PriceTable(date: date, prices: prices)
    }
}
