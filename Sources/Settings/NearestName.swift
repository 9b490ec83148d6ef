/// The name closest to a mistyped one, when it is close enough to be meant.
///
/// Distance is that of Damerau and Levenshtein in its restricted form (insert, delete, replace, swap neighbours), letters' case aside and `-`
/// equal to `_`. Close enough: at most a third of the longer name, and at least one mistake is always allowed.
///
/// - Complexity: O(length of the name x total length of the candidates).
package func nearestName(to name: String, among candidates: [String]) -> String? {
    guard name.utf8.count <= 64 else { return nil }
    let typed = folded(name)
    let best = candidates.map { (name: $0, distance: editDistance(typed, folded($0))) }.min { $0.distance < $1.distance }
    guard let best else { return nil }
    let longer = max(typed.count, best.name.count)
    if best.distance <= max(1, longer / 3) { return best.name }
    // `api_key` for `api_key_env`, `timeout` for `read_timeout`: a whole part of the right name.
    let parts = candidates.filter { folded($0).starts(with: typed) }
    return typed.count >= 3 && parts.count == 1 ? parts[0] : nil
}

private func folded(_ name: String) -> [Character] { name.lowercased().map { $0 == "-" ? "_" : $0 } }

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        row.reserveCapacity(b.count + 1)
        for j in 1...b.count {
            var cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
