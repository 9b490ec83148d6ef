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

    /// The price of `model`: under its full name, else without what gateways put before it (`openai/`), else without the release that providers
    /// put behind it (`-2024-08-06`, `-20250514`, `-0613`, `-latest`, `@...`, `:...`). A name never falls back to another model's.
    package func price(of model: String) -> ModelPrice? {
        if let price = prices[model] { return price }
        var name = Substring(model.lowercased())
        if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
        if let price = prices[String(name)] { return price }
        if let mark = name.firstIndex(where: { $0 == "@" || $0 == ":" }) { name = name[..<mark] }
        if let price = prices[String(name)] { return price }
        guard let bare = Self.withoutRelease(name) else { return nil }
        return prices[String(bare)]
    }

    private static func withoutRelease(_ name: Substring) -> Substring? {
        if name.hasSuffix("-latest") { return name.dropLast("-latest".count) }
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring, _ lengths: [Int]) -> Bool { lengths.contains(part.count) && part.allSatisfy { $0.isASCII && $0.isNumber } }
        guard let last = parts.last else { return nil }
        if parts.count > 3, isNumber(parts[parts.count - 3], [4]), isNumber(parts[parts.count - 2], [2]), isNumber(last, [2]) {
            return name.dropLast("-YYYY-MM-DD".count)
        }
        return parts.count > 1 && isNumber(last, [3, 4, 8]) ? name.dropLast(last.count + 1) : nil
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
