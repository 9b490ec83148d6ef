/// Tells refusals that no repeat helps from those that pass by themselves, where providers give both the same status: 429 says "too many requests" and
/// "your quota is spent".
package enum LastingRefusal {
    /// Whether an error's body says that what is missing is money rather than time, by the words of its code, type, status or reason.
    package static func isSaid(in body: [UInt8]) -> Bool {
        guard let root = (try? JSONDocument(body, isLenient: true))?.root else { return false }
        let whole = root.kind == .array ? root.first ?? root : root
        return [whole, whole["error"], whole["detail"], whole["error"]?["details"]?.first].compactMap { $0 }.contains(where: says)
    }

    private static func says(_ error: JSONNode) -> Bool {
        if error.kind == .string { return isLasting(error.string ?? "") }
        return (["code", "type", "status", "reason"] as [StaticString]).contains { error[$0]?.string.map(isLasting) ?? false }
    }

    private static func isLasting(_ word: String) -> Bool {
        // An error may be a sentence, which speaks of quotas that are full again in a minute.
        guard word.utf8.count <= 80, !word.contains(" ") else { return false }
        let word = word.lowercased()
        if word.contains("quota") { return ["insufficient", "exceed", "exhaust", "spent"].contains { word.contains($0) } }
        if word.contains("balance") { return !word.contains("load") }
        return ["billing", "arrear", "payment", "credits", "credit_", "budget", "spend"].contains { word.contains($0) }
    }
}
