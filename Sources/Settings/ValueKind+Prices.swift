import Yams

extension ValueKind<[Settings.Price]> {
    /// Model prices as a map of name and a map of `input`, `cached_input` and `output`.
    static let prices = ValueKind(
        read: { node throws(ValueFaults) in
            if isNull(node) { return [] }
            guard case .mapping(let mapping) = node else {
                throw ValueFaults(expected: "a map of model names and prices such as {input: 0.5, output: 1.5}", at: node)
            }
            var faults: [ValueFaults.Fault] = []
            var prices: [Settings.Price] = []
            for (key, item) in mapping {
                guard let name = key.scalar?.string, !name.isEmpty, name.utf8.count <= 200 else {
                    faults.append(.init(mark: key.mark, message: "expected the name of a model; found \(found(in: key))"))
                    continue
                }
                if prices.contains(where: { $0.model == name }) {
                    faults.append(.init(mark: key.mark, message: "the model '\(name)' is given twice"))
                }
                do throws(ValueFaults) { prices.append(try price(of: name, item)) } catch { faults += error.faults }
            }
            guard faults.isEmpty else { throw ValueFaults(faults) }
            return prices
        },
        write: { prices in
            prices.isEmpty
                ? "{}"
                : prices.map { price in
                    let cached = price.cachedInput.map { ", cached_input: \($0)" } ?? ""
                    return "\n    \(yamlText(price.model, quoted: true)): {input: \(price.input)\(cached), output: \(price.output)}"
                }.joined()
        })

    private static func price(of model: String, _ node: Node) throws(ValueFaults) -> Settings.Price {
        guard case .mapping(let mapping) = node else {
            throw ValueFaults(expected: "prices of '\(model)' such as {input: 0.5, output: 1.5}", at: node)
        }
        var values: [String: Double] = [:]
        var faults: [ValueFaults.Fault] = []
        for (key, item) in mapping {
            let name = key.scalar?.string ?? ""
            guard ["input", "cached_input", "output"].contains(name) else {
                faults.append(.init(mark: key.mark, message: "expected input, cached_input or output; found \(found(in: key))"))
                continue
            }
            do throws(ValueFaults) { values[name] = try amount.read(item) } catch { faults += error.faults }
        }
        for name in ["input", "output"] where values[name] == nil && faults.isEmpty {
            faults.append(.init(mark: node.mark, message: "expected a price for \(name) of '\(model)'; found none"))
        }
        guard faults.isEmpty, let input = values["input"], let output = values["output"] else { throw ValueFaults(faults) }
        return Settings.Price(model: model, input: input, cachedInput: values["cached_input"], output: output)
    }

    private static let amount = ValueKind<Double>.word("US dollars per million tokens, such as 0.5", write: { "\($0)" }) { text in
        Double(text).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }
}
