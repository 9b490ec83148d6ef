package import HTTPTypes

/// Names of header fields, to be asked about every field of every request.
///
/// Few fields are as long as one of the names, and those differ at a glance: that costs less than hashing each field's name.
package struct FieldNames: Sendable {
    /// Canonical names by their length in bytes.
    private let byLength: [[String]]

    package init(_ names: [HTTPField.Name]) {
        let longest = names.map { $0.canonicalName.utf8.count }.max() ?? 0
        var byLength = [[String]](repeating: [], count: longest + 1)
        for name in names { byLength[name.canonicalName.utf8.count].append(name.canonicalName) }
        self.byLength = byLength
    }

    package func contains(_ name: HTTPField.Name) -> Bool {
        let length = name.canonicalName.utf8.count
        return length < byLength.count && byLength[length].contains(name.canonicalName)
    }
}
