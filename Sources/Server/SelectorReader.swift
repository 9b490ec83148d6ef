import Foundation
import SemanticCache

/// Reads the flush selectors of the admin surface, from a JSON object or from query parameters.
enum SelectorReader {
    /// What was wrong, in words for the caller.
    struct Failure: Error {
        let message: String
    }

    /// What a flush's body says.
    struct Flush {
        let selector: EntrySelector
        let isDryRun: Bool
        /// Whether only this proxy's part is meant.
        let isLocal: Bool
    }

    /// Reads a flush's body: the selector, `dry_run` and `local`.
    static func read(json bytes: [UInt8]) throws(Failure) -> Flush {
        guard let object = (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] else {
            throw Failure(message: "expected a JSON object of selectors such as {\"model\": \"...\", \"older_than\": \"7d\"}")
        }
        var selector = EntrySelector()
        var (isDryRun, isLocal) = (false, false)
        for (name, value) in object {
            switch name {
            case "all", "dry_run", "local":
                guard let flag = boolean(value) else { throw Failure(message: "\(name): expected true or false") }
                switch name {
                case "all": selector.all = flag
                case "dry_run": isDryRun = flag
                default: isLocal = flag
                }
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
        return Flush(selector: try whole(selector), isDryRun: isDryRun, isLocal: isLocal)
    }

    /// The flag `local` of a query.
    static func local(_ text: some StringProtocol) throws(Failure) -> Bool {
        switch text {
        case "true": true
        case "false": false
        default: throw Failure(message: "local: expected true or false, found '\(text)'")
        }
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
                    "unknown selector '\(name)'; expected all, id, tenant, namespace, model, tag, older_than, matching, similar_to, threshold, dry_run or local"
            )
        }
    }
}
