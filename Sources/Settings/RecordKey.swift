import Yams

/// One key of a map in `config.yaml`: its place in the record, its kind, and what an operator should know about it.
struct RecordKey<Record: Sendable>: Sendable {
    let name: String
    /// Lines of plain text, shown as comments above the key.
    let documentation: String
    /// Reads the node into the record, or gives the faults and changes nothing.
    let read: @Sendable (Node, inout Record) throws(ValueFaults) -> Void
    /// The value as YAML.
    let write: @Sendable (Record) -> String
    /// Gives the second record the value that the first has.
    let transfer: @Sendable (Record, inout Record) -> Void

    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Record, Value> & Sendable, _ kind: ValueKind<Value>, _ documentation: String
    ) {
        self.name = name
        self.documentation = documentation
        self.read = { node, record throws(ValueFaults) in record[keyPath: path] = try kind.read(node) }
        self.write = { kind.write($0[keyPath: path]) }
        self.transfer = { source, target in target[keyPath: path] = source[keyPath: path] }
    }

    /// The same key of a record that stands within another.
    func within<Outer: Sendable>(_ path: any WritableKeyPath<Outer, Record> & Sendable) -> RecordKey<Outer> {
        RecordKey<Outer>(
            name, documentation, read: { node, outer throws(ValueFaults) in try read(node, &outer[keyPath: path]) },
            write: { write($0[keyPath: path]) }, transfer: { source, target in transfer(source[keyPath: path], &target[keyPath: path]) })
    }

    private init(
        _ name: String, _ documentation: String, read: @escaping @Sendable (Node, inout Record) throws(ValueFaults) -> Void,
        write: @escaping @Sendable (Record) -> String, transfer: @escaping @Sendable (Record, inout Record) -> Void
    ) {
        self.name = name
        self.documentation = documentation
        self.read = read
        self.write = write
        self.transfer = transfer
    }
}

/// A record that bears a name in the file.
protocol NamedRecord: Sendable {
    init(name: String)
    var name: String { get }
}

extension ValueKind {
    /// A map of names and records, as `name: {key: value, ...}`. Each record begins with its defaults; keys that are not `keys` are faults.
    static func named<Record: NamedRecord>(_ expectation: String, keys: [RecordKey<Record>]) -> ValueKind<[Record]> where Value == [Record] {
        ValueKind(
            read: { node throws(ValueFaults) in
                if isNull(node) { return [] }
                guard case .mapping(let mapping) = node else { throw ValueFaults(expected: "a map of names and \(expectation)", at: node) }
                var faults: [ValueFaults.Fault] = []
                var records: [Record] = []
                for (key, value) in mapping {
                    guard let name = key.scalar?.string, isRecordName(name) else {
                        let message =
                            "expected a name of at most 64 letters, digits, dots, dashes and underscores, given once; found \(found(in: key))"
                        faults.append(.init(mark: key.mark, message: message))
                        continue
                    }
                    var record = Record(name: name)
                    faults += read(value, into: &record, keys: keys)
                    records.append(record)
                }
                guard faults.isEmpty else { throw ValueFaults(faults) }
                return records
            },
            write: { records in
                guard !records.isEmpty else { return "{}" }
                return records.map { record in
                    "\n    \(yamlText(record.name)):"
                        + keys.map { key in
                            let value = key.write(record)
                            return "\n      \(key.name):" + (value.hasPrefix("\n") ? value.replacing("\n", with: "\n    ") : " " + value)
                        }.joined()
                }.joined()
            })
    }

    private static func read<Record: Sendable>(_ node: Node, into record: inout Record, keys: [RecordKey<Record>]) -> [ValueFaults.Fault] {
        if isNull(node) { return [] }
        let names = keys.map(\.name)
        guard case .mapping(let mapping) = node else {
            return ValueFaults(expected: "a map of the keys \(names.joined(separator: ", "))", at: node).faults
        }
        var faults: [ValueFaults.Fault] = []
        for (node, value) in mapping {
            let name = node.scalar?.string ?? ""
            guard let key = keys.first(where: { $0.name == name }) else {
                let hint = nearestName(to: name, among: names).map { "did you mean '\($0)'?" } ?? "known are \(names.joined(separator: ", "))"
                faults.append(.init(mark: node.mark, message: "unknown or repeated key '\(name.prefix(60))'; \(hint)"))
                continue
            }
            do throws(ValueFaults) { try key.read(value, &record) } catch {
                faults += error.faults.map { .init(mark: $0.mark ?? value.mark, message: "\(name): \($0.message)") }
            }
        }
        return faults
    }
}

private func isRecordName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
}

extension ValueKind<[String]> {
    /// A list of texts that all satisfy `check`.
    static func list(_ expectation: String, check: @escaping @Sendable (String) -> Bool = { !$0.isEmpty }) -> ValueKind<[String]> {
        ValueKind(
            read: { node throws(ValueFaults) in
                if isNull(node) { return [] }
                guard case .sequence(let sequence) = node else { throw ValueFaults(expected: "a list of \(expectation)", at: node) }
                var texts: [String] = []
                for item in sequence {
                    guard let text = item.scalar?.string, check(text) else { throw ValueFaults(expected: expectation, at: item) }
                    texts.append(text)
                }
                return texts
            },
            write: { "[" + $0.map { yamlText($0, quoted: $0.contains(where: { ",[]{}".contains($0) })) }.joined(separator: ", ") + "]" })
    }
}
