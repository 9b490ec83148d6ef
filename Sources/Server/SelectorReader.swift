import Foundation
import SemanticCache

/// Reads the flush selectors of the admin surface, from a JSON object or from query parameters.
enum SelectorReader {
    /// What was wrong, in words for the caller.
    struct Failure: Error {
        let message: String
    }

    /// Reads a flush's body: the selector and `dry_run`.
    static func read(json bytes: [UInt8]) throws(Failure) -> (selector: EntrySelector, isDryRun: Bool) {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else {
            throw Failure(message: "expected a JSON object of selectors such as {\"model\": \"...\", \"older_than\": \"7d\"}")
        }
        var selector = EntrySelector()
        var isDryRun = false
        for (name, value) in object {
            switch name {
            case "all", "dry_run":
                guard let flag = boolean(value) else { throw Failure(message: "\(name): expected true or false") }
                if name == "all" { selector.all = flag } else { isDryRun = flag }
            case "threshold":
                guard let number = value as? NSNumber, boolean(value) == nil else {
                    throw Failure(message: "threshold: expected a number from 0 to 1")
                }
                try set(name, number.stringValue, in: &selector)
            default:
                guard let text = value as? String else { throw Failure(message: "\(name): expected a string") }
                try set(name, text, in: &selector)
            }
        }
        return (try whole(selector), isDryRun)
    }

    /// The selector, when each of its members has beside it what it says something of. For when all are set.
    static func whole(_ selector: EntrySelector) throws(Failure) -> EntrySelector {
        guard selector.threshold == nil || selector.similarTo != nil else {
            throw Failure(message: "threshold: expected similar_to beside it, the text that entries are to be similar to")
        }
        return selector
    }

    /// `JSONSerialization` gives numbers and booleans alike as `NSNumber`; only the booleans have the Objective-C type `c`.
    private static func boolean(_ value: Any) -> Bool? {
        guard let number = value as? NSNumber else { return nil }
        return String(cString: number.objCType) == "c" ? number.boolValue : nil
    }

    /// Sets the member `name` from its text.
    static func set(_ name: String, _ text: String, in selector: inout EntrySelector) throws(Failure) {
        switch name {
        case "id":
            guard let id = EntryID(text) else { throw Failure(message: "id: expected 16 hexadecimal digits, found '\(text)'") }
            selector.id = id
        case "tenant":
            guard (16...64).contains(text.count), text.allSatisfy(\.isHexDigit) else {
                throw Failure(message: "tenant: expected the 16 hexadecimal digits of a listing, found '\(text)'")
            }
            selector.tenant = text.lowercased()
        case "namespace": selector.namespace = text
        case "model": selector.model = text
        case "tag": selector.tag = text
        case "older_than":
            guard let age = try? Duration.parse(text) else {
                throw Failure(message: "older_than: expected a duration such as 30s, 5m, 24h or 7d, found '\(text)'")
            }
            selector.olderThan = age
        case "matching": selector.matching = text
        case "similar_to": selector.similarTo = text
        case "threshold":
            guard let value = Float(text), (0...1).contains(value) else {
                throw Failure(message: "threshold: expected a number from 0 to 1, found '\(text)'")
            }
            selector.threshold = value
        default:
            throw Failure(
                message:
                    "unknown selector '\(name)'; expected all, id, tenant, namespace, model, tag, older_than, matching, similar_to, threshold or dry_run"
            )
        }
    }
}
