import ArgumentParser
import Foundation
import SemanticCache
import Settings

/// Which entries a command means. Conditions combine with AND.
struct SelectorOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The entry with this id (16 hexadecimal digits).", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("Entries of this tenant, by its id as in listings.", valueName: "id"))
    var tenant: String?

    @Option(help: ArgumentHelp("Entries of this namespace.", valueName: "name"))
    var namespace: String?

    @Option(help: ArgumentHelp("Entries of this model.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Entries with this tag.", valueName: "tag"))
    var tag: String?

    @Option(help: ArgumentHelp("Entries older than this: 30s, 5m, 24h or 7d.", valueName: "duration"))
    var olderThan: String?

    @Option(help: ArgumentHelp("Entries in whose question this regular expression is found.", valueName: "regex"))
    var matching: String?

    @Option(help: ArgumentHelp("Entries whose question is similar to this text.", valueName: "text"))
    var similarTo: String?

    @Option(help: ArgumentHelp("With --similar-to: the least cosine similarity, 0.0 to 1.0. Default: 0.9.", valueName: "number"))
    var threshold: Double?

    func validate() throws {
        if let id, EntryID(id) == nil { throw ValidationError("--id: expected 16 hexadecimal digits; found '\(printable(id))'") }
        if let olderThan, Duration(unitText: olderThan) == nil {
            throw ValidationError("--older-than: expected a duration such as 30s, 5m, 24h or 7d; found '\(printable(olderThan))'")
        }
        if let threshold, !(0...1).contains(threshold) { throw ValidationError("--threshold: expected a number from 0.0 to 1.0; found \(threshold)") }
        if threshold != nil, similarTo == nil { throw ValidationError("--threshold goes with --similar-to only") }
        for (name, value) in members where value.isEmpty { throw ValidationError("--\(name.replacing("_", with: "-")): expected some text") }
    }

    /// The conditions that were given, by the names of the admin surface.
    var members: [(name: String, value: String)] {
        [
            ("id", id), ("tenant", tenant), ("namespace", namespace), ("model", model), ("tag", tag), ("older_than", olderThan),
            ("matching", matching),
            ("similar_to", similarTo), ("threshold", threshold.map { "\($0)" }),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    /// The same as members of a JSON object.
    var jsonMembers: [String: Any] {
        var object: [String: Any] = [:]
        for (name, value) in members { object[name] = value }
        if let threshold { object["threshold"] = threshold }
        return object
    }
}

/// The object as JSON bytes with its members in the order of their names.
func jsonBytes(_ object: [String: Any]) throws -> [UInt8] {
    [UInt8](try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]))
}
