package import HTTPTypes

extension HTTPFields {
    /// The value of a field, several joined with commas; `nil` where there is none.
    ///
    /// Says what the subscript says and builds no string where the field stands once, as nearly all do: a hit asks for a dozen of them.
    package func value(of name: HTTPField.Name) -> String? {
        guard let first = firstIndex(where: { $0.name == name }) else { return nil }
        return self[(first + 1)...].contains { $0.name == name } ? self[name] : self[first].value
    }
}
