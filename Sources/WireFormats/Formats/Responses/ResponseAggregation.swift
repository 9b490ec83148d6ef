/// Puts the events of a `/v1/responses` stream together into the plain answer: the one that the closing event holds, with the items that came before it
/// where that has none, as servers leave them out that keep nothing.
struct ResponseAggregation {
    private var items: [Int: JSONNode] = [:]
    private var response: JSONNode?

    /// Takes the next event.
    mutating func take(_ event: JSONNode) {
        guard let type = event["type"] else { return }
        if type.isString("response.output_item.done"), let item = event["item"] {
            items[event["output_index"]?.int ?? items.count] = item
        } else if type.isString("response.completed") {
            response = event["response"]
        }
    }

    /// The plain answer; `nil` where the stream did not close.
    func body() -> [UInt8]? {
        guard let response else { return nil }
        guard !items.isEmpty, response.kind == .object, response["output"].map({ $0.isNull || $0.count == 0 }) ?? true else {
            return Array(response.source)
        }
        var output: [UInt8] = [UInt8(ascii: "[")]
        for (_, item) in items.sorted(by: { $0.key < $1.key }) {
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output += item.source
        }
        output.append(UInt8(ascii: "]"))
        let whole = MergedJSON(response)
        whole.set("output", MergedJSON(raw: output))
        var body: [UInt8] = []
        whole.write(to: &body)
        return body
    }
}
